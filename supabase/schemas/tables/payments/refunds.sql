-- Refund requests of admins. A row is stored with its idempotency key before the provider is called: a worker that takes over
-- after a crash sends the same key, so the money is refunded once.
--
-- open ─▶ done ─▶ failed    the provider confirmed the refund; a confirmed refund may fail later
--   ├───▶ refused           the provider refused it: no money moved
--   └───▶ unknown           outcome unknown and the idempotency key has expired: an admin must check at the provider

create table public.refunds (
  id bigint generated always as identity primary key,
  payment_id bigint not null references public.payments (id) on delete cascade,
  amount numeric not null check (amount > 0),
  status text not null default 'open' check (status in ('open', 'done', 'refused', 'unknown', 'failed')),
  admin_email text not null,
  reference text unique,
  operation_id text,
  attempts integer not null default 0,
  is_accepted boolean not null default false,
  is_awaited boolean not null default false,
  error text,
  created_at timestamptz not null default private.clock(),
  first_attempt_at timestamptz,
  next_attempt_at timestamptz not null default private.clock(),
  decided_at timestamptz,
  key text not null default 'refund-' || gen_random_uuid()
);

create index refunds_payment_idx on public.refunds (payment_id, id);
-- At most one open refund per payment: the refundable rest is known only when the previous refund is decided.
create unique index refunds_open_payment_idx on public.refunds (payment_id) where status = 'open';
create index refunds_open_idx on public.refunds (next_attempt_at) where status = 'open';
-- Refunds without a known outcome.
create index refunds_undecided_idx on public.refunds (payment_id) where status in ('open', 'unknown');

comment on table public.refunds is 'Refund requests of admins';
comment on column public.refunds.reference is 'Idempotency key from the caller';
comment on column public.refunds.operation_id is 'The provider''s id of the refund';
comment on column public.refunds.is_accepted is 'The provider accepted the request and reports the outcome later';
comment on column public.refunds.is_awaited is 'The admin was shown that the outcome is still unknown, so the outcome is sent as a message';
comment on column public.refunds.key is 'Idempotency key for the provider; unique even among databases that share the account';
comment on column public.refunds.error is 'Error message of the provider';
comment on column public.refunds.first_attempt_at is 'When the provider was first called; the lifetime of the idempotency key starts then';
alter table public.refunds enable row level security;
revoke all on table public.refunds from public, anon, authenticated, service_role;
revoke all on sequence public.refunds_id_seq from public, anon, authenticated, service_role;
