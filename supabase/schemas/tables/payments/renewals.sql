-- Who pays again each period: by the provider's own schedule, or charged by us with a saved method.
--
-- active ─▶ past_due ─▶ ended       a charge failed; it is tried again, or given up
--    └────▶ canceled ─▶ ended       will not renew; what was paid still runs
-- A canceled or ended one that its provider charges later is active again (private.is_resumed).
--
-- What we charge ourselves (saved_method) has one order a period. A try is open from asked_at until the provider has
-- said what became of it: while it is open it is asked for with the same key, and nothing else is.

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
  charge_at timestamptz,
  attempts integer not null default 0,
  asked_at timestamptz,
  busy_until timestamptz,
  canceled_at timestamptz,
  cancel_asked_at timestamptz,
  created_at timestamptz not null default private.clock(),
  ended_at timestamptz,
  stop_at timestamptz,
  stop_attempts integer not null default 0,
  payer text,
  missed_at timestamptz,
  unique (provider, provider_subscription_id)
);

create index renewals_user_idx on public.renewals (user_id);
create index renewals_product_idx on public.renewals (product_key);
-- What runs, by when its next period should have been paid.
create index renewals_running_idx on public.renewals (charged_until) where status = 'active';
-- What we charge ourselves, by when.
create index renewals_charge_idx on public.renewals (charge_at) where charge_at is not null;
-- What a provider is to stop.
create index renewals_stop_idx on public.renewals (stop_at) where stop_at is not null;

comment on table public.renewals is 'Who pays again each period';
comment on column public.renewals.saved_method is 'What we charge by ourselves; null: the provider has the schedule, or nothing is charged any more';
comment on column public.renewals.charged_until is 'What is paid runs until then; the next period begins there';
comment on column public.renewals.canceled_at is 'Since when it will not renew; a charge that its provider made later means that it runs again';
comment on column public.renewals.cancel_asked_at is 'When its user last asked the provider, with our button, to stop it: the screen answers, so a callback needs no message';
comment on column public.renewals.charge_at is 'When we look at it next: to charge it, to ask again, to end it; null: the provider has the schedule, or it is over';
comment on column public.renewals.attempts is 'Tries of this period that charged nothing; a part of the next one''s key';
comment on column public.renewals.asked_at is 'Since when the present try is open; null: none is';
comment on column public.renewals.busy_until is 'Until when whoever asks the provider now has the try for themselves';
comment on column public.renewals.stop_at is 'When the provider is asked next to stop it, because its user is erased or another one has replaced it; null: nothing is to be stopped';
comment on column public.renewals.stop_attempts is 'How often it was asked without success';
comment on column public.renewals.payer is 'By what the provider knows who pays for it (Prodamus: a phone), until it is stopped; only of an erased user';
comment on column public.renewals.missed_at is 'The charged_until after which no charge came and the admins were told';
alter table public.renewals enable row level security;
revoke all on table public.renewals from public, anon, authenticated, service_role;
revoke all on sequence public.renewals_id_seq from public, anon, authenticated, service_role;
