-- Money movements of a payment: the charge, refunds and disputes, one row per operation of the provider. The sums of a payment
-- do not depend on how often or in which order events arrive.

create table public.payment_operations (
  payment_id bigint not null references public.payments (id) on delete cascade,
  kind text not null check (kind in ('paid', 'refund', 'refund_total', 'dispute')),
  operation_id text not null,
  amount numeric not null check (amount >= 0),
  currency text,
  is_undone boolean not null default false,
  is_final boolean not null default false,
  created_at timestamptz not null default private.clock(),
  fee numeric not null default 0 check (fee >= 0),
  happened_at timestamptz not null default private.clock(),
  alarmed_at timestamptz,
  primary key (payment_id, kind, operation_id)
);

-- Reconciliation of one day with a provider's statement.
create index payment_operations_happened_idx on public.payment_operations (happened_at);

create trigger payment_operations_mark_revenue
after insert or update on public.payment_operations
for each row execute function private.mark_revenue_of_operation();

comment on table public.payment_operations is 'Money movements of a payment: charge, refunds and disputes';
comment on column public.payment_operations.currency is 'Currency named by the provider; null: that of the payment. Another currency is excluded from the sums';
comment on column public.payment_operations.is_undone is 'True: a failed refund or a won dispute, excluded from the sums';
comment on column public.payment_operations.is_final is 'True: later events do not change is_undone';
comment on column public.payment_operations.fee is 'Part of the amount that went to an affiliate (Stars)';
comment on column public.payment_operations.happened_at is 'Time by the provider''s clock, or ours if the provider names none';
comment on column public.payment_operations.alarmed_at is 'When the admins were alerted that the provider''s statement lacks it';
alter table public.payment_operations enable row level security;
revoke all on table public.payment_operations from public, anon, authenticated, service_role;
