-- What providers told us, word for word, each once. An event that could not be applied keeps its error; when the
-- provider tells it again it is applied.

create table public.payment_events (
  id bigint generated always as identity primary key,
  provider text not null,
  event_key text not null,
  type text not null default '',
  body text not null,
  notices jsonb not null,
  attempts integer not null default 1,
  error text,
  received_at timestamptz not null default private.clock(),
  processed_at timestamptz,
  unique (provider, event_key)
);

create index payment_events_open_idx on public.payment_events (received_at) where processed_at is null;

comment on table public.payment_events is 'What providers told us, each once';
comment on column public.payment_events.event_key is 'The same for every repetition of one event';
comment on column public.payment_events.body is 'As it came; what is not UTF-8 replaced';
comment on column public.payment_events.notices is 'The same in our words (shared/payments/notice.py)';
alter table public.payment_events enable row level security;
revoke all on table public.payment_events from public, anon, authenticated, service_role;
revoke all on sequence public.payment_events_id_seq from public, anon, authenticated, service_role;
