-- Every call to an AI provider, one row each, a partition a month (UTC). private.keep_usage_months makes the
-- months ahead and drops those past their retention; what finds no month waits in the default one.

create table public.api_usage (
  id bigint generated always as identity,
  -- Not a foreign key: making and dropping a month would lock users. Erasing a person clears it by user_id.
  user_id bigint not null,
  bot text not null,
  provider text not null,
  model text not null,
  kind text not null check (kind in ('chat', 'image', 'video')),
  status text not null,
  ms integer not null check (ms >= 0),
  request_bytes integer not null check (request_bytes >= 0),
  response_bytes integer not null check (response_bytes >= 0),
  tokens_in integer check (tokens_in >= 0),
  tokens_out integer check (tokens_out >= 0),
  cost numeric(14, 8) check (cost >= 0),
  is_own_key boolean not null,
  created_at timestamptz not null default private.clock(),
  primary key (id, created_at)
) partition by range (created_at);

create index api_usage_user_idx on public.api_usage (user_id, created_at);

comment on table public.api_usage is 'Every call to an AI provider';
comment on column public.api_usage.status is 'ok; part: only the beginning of an answer came; else what went wrong, a Trouble of shared/ai/provider.py';
comment on column public.api_usage.ms is 'Milliseconds from asking to the last word';
comment on column public.api_usage.request_bytes is 'Bytes of the body that was sent';
comment on column public.api_usage.tokens_in is 'null: the provider did not say, as for an answer that was cut off';
comment on column public.api_usage.cost is 'US dollars, as the provider says or by its tokens and the price of the model; at the estimate where usage is missing; null: nothing was spent';
comment on column public.api_usage.is_own_key is 'Asked with the person''s own key: it cost us nothing';
alter table public.api_usage enable row level security;
revoke all on table public.api_usage from public, anon, authenticated, service_role;
revoke all on sequence public.api_usage_id_seq from public, anon, authenticated, service_role;
