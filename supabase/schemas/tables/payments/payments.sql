-- Payments: one row per charge at a provider. The sums are derived from payment_operations and the status from the sums
-- (private.sum_payment); payment_effects records the fulfilment.

create table public.payments (
  id bigint generated always as identity primary key,
  provider text not null,
  provider_payment_id text not null,
  order_id bigint references public.orders (id),
  renewal_id bigint references public.renewals (id),
  user_id bigint references public.users (id) on delete set null,
  status text not null default 'pending'
  check (status in ('pending', 'completed', 'failed', 'canceled', 'refunded')),
  currency text,
  amount numeric,
  refunded numeric not null default 0 check (refunded >= 0),
  disputed numeric not null default 0 check (disputed >= 0),
  has_failed boolean not null default false,
  is_canceled boolean not null default false,
  is_test boolean not null default false,
  claims jsonb not null default '{}',
  problem text check (problem in ('no_order', 'amount', 'currency', 'owner', 'test', 'second_charge', 'withdrawn')),
  saved_method text,
  created_at timestamptz not null default private.clock(),
  completed_at timestamptz,
  unique (provider, provider_payment_id)
);

create index payments_order_idx on public.payments (order_id);
create index payments_renewal_idx on public.payments (renewal_id);
create index payments_user_idx on public.payments (user_id, id);
-- The payer, if the provider knows it; not necessarily the buyer.
create index payments_payer_idx on public.payments ((claims ->> 'telegram_id'))
where (claims ->> 'telegram_id') is not null;
-- Payments of a subscription at its provider.
create index payments_subscription_idx on public.payments (provider, (claims ->> 'subscription_id'))
where (claims ->> 'subscription_id') is not null;
-- Payments that wait for their order, and payments under review.
create index payments_problem_idx on public.payments (problem) where problem is not null;
create index payments_unsolved_idx on public.payments (id) where problem is not null and status = 'completed';

create trigger payments_mark_revenue
after update on public.payments
for each row when (
  old.currency is distinct from new.currency or old.order_id is distinct from new.order_id
  or old.renewal_id is distinct from new.renewal_id or old.user_id is distinct from new.user_id
  or old.problem is distinct from new.problem
)
execute function private.mark_revenue_of_payment();

comment on table public.payments is 'Payments: one row per charge at a provider';
comment on column public.payments.amount is 'Amount charged; 0: the provider reports it as paid without a charge, for example from credit; null: not paid yet';
comment on column public.payments.refunded is 'Sum of all refunds';
comment on column public.payments.disputed is 'Sum of disputes that are open or lost';
comment on column public.payments.claims is 'Attributes reported by the provider: order_id, subscription_id, telegram_id (0: an erased user), payer (the provider''s id of the payer), paid_at, period_ends_at and is_invoice (the period of a subscription that it pays), has_buyer_terms (the buyer may have chosen the amount), is_final (the decline is permanent)';
comment on column public.payments.problem is 'Why the payment is not fulfilled but held for review; null: no reason';
alter table public.payments enable row level security;
revoke all on table public.payments from public, anon, authenticated, service_role;
revoke all on sequence public.payments_id_seq from public, anon, authenticated, service_role;
