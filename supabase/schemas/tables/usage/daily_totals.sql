-- What a day came to, over all people and bots, for whoever runs them. Counters: nothing is ever counted from
-- rows that grow.
--
-- The figure of a day is the SUM of a column over that day's rows: each column counts one thing, every event
-- is in exactly one row, and group by what you like (day, bot, provider, model, is_own_key):
--   requests     AI requests that counted; in the row of the model that answered
--   calls        calls to providers, retries and failures included; errors: those that brought no answer
--   tokens_in, tokens_out, cost (US dollars, see api_usage.cost), ms (milliseconds together)
--   new_people   people seen for the first time; in the row without a provider and model
-- A day is one of the setting quota_timezone. Rows about no model have '' as bot, provider and model.
-- `shard` means nothing: sixteen rows take the writers of one figure, so that they do not wait for each other.

create table public.daily_totals (
  day date not null,
  bot text not null default '',
  provider text not null,
  model text not null,
  is_own_key boolean not null,
  shard integer not null check (shard between 0 and 15),
  requests bigint not null default 0 check (requests >= 0),
  calls bigint not null default 0 check (calls >= 0),
  errors bigint not null default 0 check (errors >= 0),
  tokens_in bigint not null default 0 check (tokens_in >= 0),
  tokens_out bigint not null default 0 check (tokens_out >= 0),
  cost numeric(18, 8) not null default 0 check (cost >= 0),
  ms bigint not null default 0 check (ms >= 0),
  new_people bigint not null default 0 check (new_people >= 0),
  primary key (day, bot, provider, model, is_own_key, shard)
);

comment on table public.daily_totals is 'What a day came to over all people; a figure is the sum of its column';
comment on column public.daily_totals.shard is 'Means nothing: it spreads the writers of one figure over sixteen rows';
comment on column public.daily_totals.requests is 'AI requests that counted';
comment on column public.daily_totals.calls is 'Calls to the provider, retries and failures included';
comment on column public.daily_totals.errors is 'Calls that brought no answer';
comment on column public.daily_totals.cost is 'US dollars; see api_usage.cost';
comment on column public.daily_totals.is_own_key is 'Asked with a person''s own key: it cost us nothing';
alter table public.daily_totals enable row level security;
revoke all on table public.daily_totals from public, anon, authenticated, service_role;
