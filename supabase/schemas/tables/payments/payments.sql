-- Money that came, one row a charge at a provider. Its sums follow from payment_operations, its status from the
-- sums; what a person was given for it stands in payment_effects.

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
-- Who paid, where the provider knows it: not always whose order it is.
create index payments_payer_idx on public.payments ((claims ->> 'telegram_id'))
where (claims ->> 'telegram_id') is not null;
-- The payments of a subscription at its provider.
create index payments_subscription_idx on public.payments (provider, (claims ->> 'subscription_id'))
where (claims ->> 'subscription_id') is not null;
-- What waits for its order, and what somebody must look at.
create index payments_problem_idx on public.payments (problem) where problem is not null;
create index payments_unsolved_idx on public.payments (id) where problem is not null and status = 'completed';

comment on table public.payments is 'Money that came, one row a charge at a provider';
comment on column public.payments.amount is 'What was charged, in currency; 0: the provider calls it paid, from credit for example; null: nothing yet';
comment on column public.payments.refunded is 'Given back, all refunds together';
comment on column public.payments.disputed is 'Taken back by the payer''s bank and not won back';
comment on column public.payments.claims is 'What the provider said whose it is: order_id, subscription_id, telegram_id (0: somebody who is erased), payer (by what the provider knows them); when it was paid there: paid_at; which period of a subscription it is for: period_ends_at, is_invoice; whether the buyer may have written its amount: has_buyer_terms; whether a refusal is for good: is_final';
comment on column public.payments.problem is 'Why nothing was given for it';
alter table public.payments enable row level security;
revoke all on table public.payments from public, anon, authenticated, service_role;
revoke all on sequence public.payments_id_seq from public, anon, authenticated, service_role;
