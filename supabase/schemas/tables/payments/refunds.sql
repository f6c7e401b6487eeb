-- What an admin asked a provider to give back. A row is kept before the provider is asked, with the key of the question:
-- whoever takes over from a worker that died asks with the same, and the money goes back once.
--
-- open ─▶ done ─▶ failed    the provider says that it is given back; or later, that it was not
--   ├───▶ refused           it surely did nothing
--   └───▶ unknown           it did not say, and its key is too old to be asked again: somebody must look there

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
  asked_at timestamptz,
  ask_after timestamptz not null default private.clock(),
  decided_at timestamptz,
  key text not null default 'refund-' || gen_random_uuid()
);

create index refunds_payment_idx on public.refunds (payment_id, id);
-- One at a time: what is left of a payment is known only when the one before is decided.
create unique index refunds_open_payment_idx on public.refunds (payment_id) where status = 'open';
create index refunds_open_idx on public.refunds (ask_after) where status = 'open';
-- What somebody must look at.
create index refunds_undecided_idx on public.refunds (payment_id) where status in ('open', 'unknown');

comment on table public.refunds is 'What an admin asked a provider to give back';
comment on column public.refunds.reference is 'Given by the caller: the same one asks once';
comment on column public.refunds.operation_id is 'The provider''s number of it';
comment on column public.refunds.is_accepted is 'The provider has taken it, and tells later what became of it';
comment on column public.refunds.is_awaited is 'The admin was told that it is not known yet, and is told the end';
comment on column public.refunds.key is 'With which the provider is asked; no other database on the same account has it';
comment on column public.refunds.error is 'What the provider said instead of doing it';
comment on column public.refunds.asked_at is 'When the provider was asked first: its key lasts from then on';
alter table public.refunds enable row level security;
revoke all on table public.refunds from public, anon, authenticated, service_role;
revoke all on sequence public.refunds_id_seq from public, anon, authenticated, service_role;
