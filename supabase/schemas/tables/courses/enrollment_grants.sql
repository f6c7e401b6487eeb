-- What gave learners a tier of a course: payments and admins. A refund withdraws the grant of its payment, and with it the
-- upgrades that were cheaper because of it.

create table public.enrollment_grants (
  id bigint generated always as identity primary key,
  enrollment_id bigint not null references public.enrollments (id) on delete cascade,
  source text not null check (source in ('purchase', 'manual', 'upgrade')),
  payment_id bigint unique references public.payments (id),
  order_id bigint references public.orders (id),
  amount numeric(12, 2) not null default 0 check (amount >= 0),
  currency text,
  cohort_id bigint references public.cohorts (id),
  access_days integer check (access_days > 0),
  credited bigint[] not null default '{}',
  granted_at timestamptz not null default private.clock(),
  withdrawn_at timestamptz,
  withdrawn_for text check (withdrawn_for in ('refund', 'admin')),
  check ((source = 'manual') = (payment_id is null)),
  check ((withdrawn_at is null) = (withdrawn_for is null))
);

create index enrollment_grants_enrollment_idx on public.enrollment_grants (enrollment_id);
create index enrollment_grants_order_idx on public.enrollment_grants (order_id);
create index enrollment_grants_cohort_idx on public.enrollment_grants (cohort_id);

comment on table public.enrollment_grants is 'What gave learners a tier of a course';
comment on column public.enrollment_grants.amount is 'Paid for it, in currency: what an upgrade in this currency costs less';
comment on column public.enrollment_grants.access_days is 'Days of access that it adds; null: for life';
comment on column public.enrollment_grants.credited is 'Grants whose amounts lowered the price of this upgrade: it counts as long as all of them do';
comment on column public.enrollment_grants.withdrawn_at is 'Since when it does not count: its payment was refunded or disputed, or an admin withdrew it';
comment on column public.enrollment_grants.withdrawn_for is 'refund: also a dispute, and restored if it is won; admin: for good';
alter table public.enrollment_grants enable row level security;
revoke all on table public.enrollment_grants from public, anon, authenticated, service_role;
revoke all on sequence public.enrollment_grants_id_seq from public, anon, authenticated, service_role;
