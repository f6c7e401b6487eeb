-- Redemptions of promo codes, including discounts that are not used yet. An erasure deletes a user's rows; when the user
-- returns, they are restored from erased_users.used, so that each user redeems a code at most once.

create table public.promocode_usages (
  promocode_id bigint not null references public.promocodes (id),
  user_id bigint not null references public.users (id) on delete cascade,
  reference text unique,
  given jsonb not null,
  percent integer check (percent between 1 and 99),
  expires_at timestamptz,
  consumed_at timestamptz,
  created_at timestamptz not null default private.clock(),
  primary key (promocode_id, user_id)
);

create index promocode_usages_user_idx on public.promocode_usages (user_id);

comment on table public.promocode_usages is 'Redemptions of promo codes';
comment on column public.promocode_usages.reference is 'Idempotency key from the caller';
comment on column public.promocode_usages.given is 'Grant as shown to the user; empty if restored after an erasure';
comment on column public.promocode_usages.percent is 'Discount on the next one-time purchase, in percent; null: not a discount code';
comment on column public.promocode_usages.expires_at is 'When the discount expires; null: never';
comment on column public.promocode_usages.consumed_at is 'When the discount was used for a purchase';
alter table public.promocode_usages enable row level security;
revoke all on table public.promocode_usages from public, anon, authenticated, service_role;
