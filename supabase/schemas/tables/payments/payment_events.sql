-- What providers told us, word for word, each once. An event that could not be applied keeps its error; when the
-- provider tells it again it is applied. Words hold addresses and phones: they go with the person they are about, and
-- the event stays, so that its repetition is recognised.

create table public.payment_events (
  id bigint generated always as identity primary key,
  provider text not null,
  event_key text not null,
  user_id bigint references public.users (id) on delete set null,
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
-- All of a person: to be told, and to be erased.
create index payment_events_user_idx on public.payment_events (user_id);
-- What belongs to nobody so far: an erasure looks through it, and a payment that finds its order takes its own.
create index payment_events_unowned_idx on public.payment_events (received_at) where user_id is null and body <> '';
create index payment_events_unowned_notices_idx on public.payment_events using gin (notices jsonb_path_ops)
where user_id is null;

comment on table public.payment_events is 'What providers told us, each once';
comment on column public.payment_events.event_key is 'The same for every repetition of one event';
comment on column public.payment_events.user_id is 'Whom it is about, when that is known: who paid, or whose order it is';
comment on column public.payment_events.body is 'As it came; what is not UTF-8 replaced; empty once its person is erased';
comment on column public.payment_events.notices is 'The same in our words (shared/payments/notice.py); empty once its person is erased';
alter table public.payment_events enable row level security;
revoke all on table public.payment_events from public, anon, authenticated, service_role;
revoke all on sequence public.payment_events_id_seq from public, anon, authenticated, service_role;
