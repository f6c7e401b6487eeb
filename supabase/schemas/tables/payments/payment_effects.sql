-- Fulfilment of payments: what was granted for a payment, and how much of it was reversed after refunds and disputes. One row
-- per payment and effect, so that a repeated event finds it and grants nothing again.

create table public.payment_effects (
  payment_id bigint not null references public.payments (id) on delete cascade,
  effect text not null check (effect in ('subscription', 'credits', 'balance', 'course', 'gift', 'commission', 'second_commission')),
  user_id bigint references public.users (id) on delete set null,
  subscription_id bigint references public.subscriptions (id) on delete set null,
  given numeric not null check (given >= 0),
  reversal_target numeric not null default 0 check (reversal_target >= 0 and reversal_target <= given),
  reversed numeric not null default 0 check (reversed >= 0 and reversed <= reversal_target),
  adjustments integer not null default 0,
  created_at timestamptz not null default private.clock(),
  primary key (payment_id, effect)
);

create index payment_effects_user_idx on public.payment_effects (user_id);
create index payment_effects_subscription_idx on public.payment_effects (subscription_id);

comment on table public.payment_effects is 'What was granted for a payment, and what was reversed';
comment on column public.payment_effects.given is 'Quantity granted: seconds of a subscription, bonus credits, or balance';
comment on column public.payment_effects.reversal_target is 'Quantity to reverse, for the refunded and disputed share of the payment';
comment on column public.payment_effects.reversed is 'Quantity actually reversed: at most what the user had left';
comment on column public.payment_effects.adjustments is 'Number of adjustments so far; part of the ledger''s idempotency key';
alter table public.payment_effects enable row level security;
revoke all on table public.payment_effects from public, anon, authenticated, service_role;
