-- Auto-renewals: charged by the provider's own schedule, or by us with a saved payment method.
--
-- active ─▶ past_due ─▶ ended       a charge failed: it is retried until it succeeds or the renewal ends
--    └────▶ canceled ─▶ ended       will not renew; the paid period continues
-- A canceled or ended renewal that its provider charges later becomes active again (private.is_resumed).
--
-- A renewal with a saved method has one order per period. A charge attempt is open from attempt_started_at until its outcome is
-- known; while it is open, calls to the provider repeat its idempotency key and no other attempt starts.

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
  attempt_started_at timestamptz,
  lease_until timestamptz,
  canceled_at timestamptz,
  cancel_requested_at timestamptz,
  created_at timestamptz not null default private.clock(),
  ended_at timestamptz,
  next_cancel_attempt_at timestamptz,
  cancel_attempts integer not null default 0,
  payer text,
  alarmed_period timestamptz,
  unique (provider, provider_subscription_id)
);

create index renewals_user_idx on public.renewals (user_id);
create index renewals_product_idx on public.renewals (product_key);
-- Active renewals by the end of the paid period, to detect missing charges.
create index renewals_running_idx on public.renewals (charged_until) where status = 'active';
-- Renewals that we charge, by due time.
create index renewals_charge_idx on public.renewals (charge_at) where charge_at is not null;
-- Subscriptions that the provider must still cancel.
create index renewals_cancel_idx on public.renewals (next_cancel_attempt_at) where next_cancel_attempt_at is not null;

comment on table public.renewals is 'Auto-renewals of subscriptions';
comment on column public.renewals.saved_method is 'Saved payment method that we charge; null: the provider charges, or nothing is charged any more';
comment on column public.renewals.charged_until is 'End of the paid period and start of the next one';
comment on column public.renewals.canceled_at is 'When it was canceled; a later charge by the provider reactivates it';
comment on column public.renewals.cancel_requested_at is 'When the user last requested the cancellation with our button: its screen shows the result, so the webhook event sends no message';
comment on column public.renewals.charge_at is 'When the job processes it next, to charge it, to query an open attempt or to end it; null: the provider charges, or it has ended';
comment on column public.renewals.attempts is 'Declined attempts of this period; part of the next attempt''s idempotency key';
comment on column public.renewals.attempt_started_at is 'Start of the open charge attempt; null: no attempt is open';
comment on column public.renewals.lease_until is 'Lease: until then only one worker calls the provider about the open attempt';
comment on column public.renewals.next_cancel_attempt_at is 'When the provider is called next to cancel the subscription, because the user is erased or another renewal replaced it; null: nothing to cancel';
comment on column public.renewals.cancel_attempts is 'Failed attempts to cancel it at the provider';
comment on column public.renewals.payer is 'The provider''s id of the payer (Prodamus: a phone number), needed to cancel; kept only for erased users, until the cancellation';
comment on column public.renewals.alarmed_period is 'The charged_until for which the admins were alerted that no charge came';
alter table public.renewals enable row level security;
revoke all on table public.renewals from public, anon, authenticated, service_role;
revoke all on sequence public.renewals_id_seq from public, anon, authenticated, service_role;
