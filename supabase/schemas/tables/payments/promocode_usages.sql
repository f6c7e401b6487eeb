-- Who redeemed which promo code, and the discounts that wait for a purchase. Of somebody who was erased it goes, and
-- comes back with them (erased_people.used): once in a life.

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

comment on table public.promocode_usages is 'Who redeemed which promo code';
comment on column public.promocode_usages.reference is 'Given by the caller: the same one redeems once';
comment on column public.promocode_usages.given is 'What the person was told they got; empty for who was erased since and came back';
comment on column public.promocode_usages.percent is 'What the next one-off purchase costs less, in percent; null: it was no such code';
comment on column public.promocode_usages.expires_at is 'When the discount ends; null: never';
comment on column public.promocode_usages.consumed_at is 'When something was bought with the discount';
alter table public.promocode_usages enable row level security;
revoke all on table public.promocode_usages from public, anon, authenticated, service_role;
