-- Who pays again each period: by the provider's own schedule, or charged by us with a saved method.
--
-- active ─▶ past_due ─▶ ended       a charge failed; the provider tries again, or gives up
--    └────▶ canceled ─▶ ended       will not renew; what was paid still runs

create table public.renewals (
  id bigint generated always as identity primary key,
  user_id bigint references public.users (id) on delete set null,
  product_key text not null references public.products (key) on update cascade,
  provider text not null,
  provider_subscription_id text not null,
  status text not null default 'active' check (status in ('active', 'past_due', 'canceled', 'ended')),
  currency text not null,
  amount numeric(12, 2) not null check (amount > 0),
  kind text not null default 'subscription',
  plan text not null,
  period text not null,
  bot text not null,
  saved_method text,
  charged_until timestamptz,
  attempts integer not null default 0,
  created_at timestamptz not null default private.clock(),
  ended_at timestamptz,
  unique (provider, provider_subscription_id)
);

create index renewals_user_idx on public.renewals (user_id);
create index renewals_product_idx on public.renewals (product_key);

comment on table public.renewals is 'Who pays again each period';
comment on column public.renewals.saved_method is 'What we charge by ourselves; null: the provider has the schedule';
alter table public.renewals enable row level security;
revoke all on table public.renewals from public, anon, authenticated, service_role;
revoke all on sequence public.renewals_id_seq from public, anon, authenticated, service_role;
