-- Calls to AI providers, one row per call, partitioned by month (UTC). private.maintain_usage_partitions creates partitions
-- ahead and drops expired ones; a row without a partition goes to the default partition.

create table public.api_usage (
  id bigint generated always as identity,
  -- Not a foreign key: creating and dropping a partition would lock users. An erasure deletes the rows by user_id.
  user_id bigint not null,
  bot text not null,
  provider text not null,
  model text not null,
  kind text not null,
  status text not null,
  ms integer not null,
  request_bytes integer not null,
  response_bytes integer not null,
  tokens_in integer,
  tokens_out integer,
  cost numeric(14, 8),
  is_user_api_key boolean not null,
  created_at timestamptz not null default private.clock(),
  tokens_cached integer,
  reason text,
  primary key (id, created_at),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint api_usage_check check (
    kind in ('chat', 'image', 'video', 'transcription', 'speech')
    and least(ms, request_bytes, response_bytes, tokens_in, tokens_out) >= 0
    and cost >= 0
  )
) partition by range (created_at);

create index api_usage_user_idx on public.api_usage (user_id, created_at);

-- The nightly sum of a day reads that day's rows; a BRIN index costs an insert next to nothing.
create index api_usage_created_idx on public.api_usage using brin (created_at);

comment on table public.api_usage is 'Calls to AI providers, one row per call';
comment on column public.api_usage.status is 'ok; part: an incomplete answer; otherwise the kind of error, an ErrorKind of shared/ai/provider.py';
comment on column public.api_usage.ms is 'Duration of the call in milliseconds';
comment on column public.api_usage.request_bytes is 'Bytes of the request body';
comment on column public.api_usage.tokens_in is 'null: not reported by the provider, for example for an incomplete answer';
comment on column public.api_usage.tokens_cached is 'Those of tokens_in that the provider read from its prompt cache; null: not reported';
comment on column public.api_usage.reason is 'Why, where it was no request of a user: draft_reply, summary, translation, article, qualification; null: the user''s request';
comment on column public.api_usage.cost is 'US dollars: reported by the provider, or computed from tokens and the prices of ai_model_prices; an estimate if either is missing; null: nothing was spent';
comment on column public.api_usage.is_user_api_key is 'Made with the user''s own API key, so it cost us nothing';
alter table public.api_usage enable row level security;
revoke all on table public.api_usage from public, anon, authenticated, service_role;
revoke all on sequence public.api_usage_id_seq from public, anon, authenticated, service_role;
