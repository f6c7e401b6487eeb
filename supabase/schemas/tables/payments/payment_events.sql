-- Inbox of webhook events from payment providers: each event once, with its raw body. A failed event keeps its error and is
-- applied when the provider repeats it. Bodies contain personal data (addresses, phone numbers): an erasure empties them but
-- keeps the row, so that a repeated event is still recognised.

create table public.payment_events (
  id bigint generated always as identity primary key,
  provider text not null,
  event_key text not null,
  user_id bigint references public.users (id) on delete set null,
  type text not null default '',
  body text not null,
  events jsonb not null,
  attempts integer not null default 1,
  error text,
  received_at timestamptz not null default private.clock(),
  processed_at timestamptz,
  unique (provider, event_key)
);

create index payment_events_open_idx on public.payment_events (received_at) where processed_at is null;
-- A user's events: for the data export and the erasure.
create index payment_events_user_idx on public.payment_events (user_id);
-- Events that are not linked to a user yet: an erasure searches them, and a payment that finds its order links its own.
create index payment_events_unowned_idx on public.payment_events (received_at) where user_id is null and body <> '';
create index payment_events_unowned_events_idx on public.payment_events using gin (events jsonb_path_ops)
where user_id is null;

comment on table public.payment_events is 'Inbox of webhook events from payment providers, each once';
comment on column public.payment_events.event_key is 'Deduplication key: the same for every delivery of one event';
comment on column public.payment_events.user_id is 'User that the event concerns, if known: the payer or the buyer';
comment on column public.payment_events.body is 'Raw body; invalid UTF-8 is replaced; empty once the user is erased';
comment on column public.payment_events.events is 'Parsed payment events (shared/payments/events.py); empty once the user is erased';
alter table public.payment_events enable row level security;
revoke all on table public.payment_events from public, anon, authenticated, service_role;
revoke all on sequence public.payment_events_id_seq from public, anon, authenticated, service_role;
