-- Daily totals over all users, for operators. Counters, so that no report counts rows of growing tables.
--
-- A figure is the SUM of a column over the rows of a day, or of any group (day, bot, provider, model, is_user_api_key): every
-- event is in exactly one row.
--   requests     settled AI requests and those served with a user API key; in the row of the model that answered
--   calls        calls to providers, including retries and failures; errors: calls without an answer
--   tokens_in, tokens_out, cost (US dollars, see api_usage.cost), ms (total milliseconds)
--   new_users    users seen for the first time; in the row without provider and model
-- Days are in the time zone of the setting quota_timezone. Rows that concern no model have '' as bot, provider and model.
-- `shard` spreads concurrent writers of one figure over sixteen rows, so that they do not wait for each other's lock.

create table public.daily_totals (
  day date not null,
  bot text not null default '',
  provider text not null,
  model text not null,
  is_user_api_key boolean not null,
  shard integer not null,
  requests bigint not null default 0,
  calls bigint not null default 0,
  errors bigint not null default 0,
  tokens_in bigint not null default 0,
  tokens_out bigint not null default 0,
  cost numeric(18, 8) not null default 0,
  ms bigint not null default 0,
  new_users bigint not null default 0,
  sold_cost numeric(18, 8) not null default 0,
  sold_amount numeric(14, 2) not null default 0,
  primary key (day, bot, provider, model, is_user_api_key, shard),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint daily_totals_check check (
    shard >= 0 and shard <= 15
    and least(requests, calls, errors, tokens_in, tokens_out, ms, new_users) >= 0
    and cost >= 0
  )
);

comment on table public.daily_totals is 'Daily totals over all users; a figure is the sum of its column';
comment on column public.daily_totals.shard is 'Spreads concurrent writers of one figure over sixteen rows';
comment on column public.daily_totals.requests is 'Settled AI requests, and those served with a user API key';
comment on column public.daily_totals.calls is 'Calls to the provider, including retries and failures';
comment on column public.daily_totals.errors is 'Calls without an answer';
comment on column public.daily_totals.cost is 'US dollars; see api_usage.cost';
comment on column public.daily_totals.sold_cost is 'Part of cost that users paid for from their balance; the daily cost limits leave it out';
comment on column public.daily_totals.sold_amount is 'What users paid for it from their balance, in the currency of the setting balance_currency';
comment on column public.daily_totals.is_user_api_key is 'Made with a user''s own API key, so it cost us nothing';
alter table public.daily_totals enable row level security;
revoke all on table public.daily_totals from public, anon, authenticated, service_role;
