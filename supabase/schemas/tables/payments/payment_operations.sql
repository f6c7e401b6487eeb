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
  fee numeric not null default 0 check (fee >= 0),
  happened_at timestamptz not null default private.clock(),
  missed_at timestamptz,
  primary key (payment_id, kind, operation_id)
);

-- What a day of a provider's list is compared with.
create index payment_operations_happened_idx on public.payment_operations (happened_at);

comment on table public.payment_operations is 'What moved of a payment, once each';
comment on column public.payment_operations.currency is 'As the provider named it; null: that of the payment. In another one it counts for nothing';
comment on column public.payment_operations.is_undone is 'A refund that failed, a dispute that was won: counts no more';
comment on column public.payment_operations.is_final is 'Nothing that is told later changes is_undone';
comment on column public.payment_operations.fee is 'What of the amount went to an affiliate instead of to us (Stars)';
comment on column public.payment_operations.happened_at is 'By the provider''s clock; by ours where it names no time';
comment on column public.payment_operations.missed_at is 'When the admins were told that the provider''s list lacks it';
alter table public.payment_operations enable row level security;
revoke all on table public.payment_operations from public, anon, authenticated, service_role;
