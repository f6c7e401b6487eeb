-- What moved of a payment, once each: the payment itself, refunds, disputes. However often and in whatever order
-- they are told, the sums are the same.

create table public.payment_operations (
  payment_id bigint not null references public.payments (id) on delete cascade,
  kind text not null check (kind in ('paid', 'refund', 'refund_total', 'dispute')),
  operation_id text not null,
  amount numeric not null check (amount >= 0),
  currency text,
  is_undone boolean not null default false,
  is_final boolean not null default false,
  created_at timestamptz not null default private.clock(),
  primary key (payment_id, kind, operation_id)
);

comment on table public.payment_operations is 'What moved of a payment, once each';
comment on column public.payment_operations.currency is 'As the provider named it; null: that of the payment. In another one it counts for nothing';
comment on column public.payment_operations.is_undone is 'A refund that failed, a dispute that was won: counts no more';
comment on column public.payment_operations.is_final is 'Nothing that is told later changes is_undone';
alter table public.payment_operations enable row level security;
revoke all on table public.payment_operations from public, anon, authenticated, service_role;
