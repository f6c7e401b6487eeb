-- Batches of promo codes that work once each: for vouchers, partners and giveaways. A user redeems one code of a batch.

create table public.promocode_batches (
  id bigint generated always as identity primary key,
  prefix text not null check (prefix ~ '^[A-Z0-9]{2,16}$'),
  kind text not null check (kind in ('month', 'credits', 'trainings', 'percent')),
  value integer not null check (value > 0),
  size integer not null check (size between 1 and 5000),
  valid_until timestamptz,
  note text check (length(note) <= 500),
  reference text unique,
  created_at timestamptz not null default private.clock()
);

comment on table public.promocode_batches is 'Batches of promo codes that work once each';
comment on column public.promocode_batches.prefix is 'Beginning of each code of the batch';
comment on column public.promocode_batches.reference is 'Idempotency key from the caller';
alter table public.promocode_batches enable row level security;
revoke all on table public.promocode_batches from public, anon, authenticated, service_role;
revoke all on sequence public.promocode_batches_id_seq from public, anon, authenticated, service_role;
