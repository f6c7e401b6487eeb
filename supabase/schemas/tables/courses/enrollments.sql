-- Which tiers of which courses learners have. Derived from enrollment_grants by private.refresh_enrollment, which alone writes
-- here: a tier that was bought twice, or given by hand and bought, stays as long as one of its grants does.

create table public.enrollments (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  course_id bigint not null references public.courses (id),
  tier text not null check (tier in ('basic', 'accelerator', 'vip')),
  source text not null check (source in ('purchase', 'manual', 'upgrade')),
  amount_paid numeric(12, 2) not null default 0 check (amount_paid >= 0),
  currency text,
  payment_id bigint references public.payments (id),
  order_id bigint references public.orders (id),
  cohort_id bigint references public.cohorts (id),
  enrolled_at timestamptz not null default private.clock(),
  expires_at timestamptz,
  reminded_at timestamptz,
  withdrawn_at timestamptz,
  releases_checked_at timestamptz,
  next_release_at timestamptz not null default 'epoch',
  unique (user_id, course_id, tier)
);

create index enrollments_course_idx on public.enrollments (course_id, id);
create index enrollments_payment_idx on public.enrollments (payment_id);
create index enrollments_order_idx on public.enrollments (order_id);
create index enrollments_cohort_idx on public.enrollments (cohort_id);
-- Reminders before access ends.
create index enrollments_expiry_idx on public.enrollments (expires_at) where expires_at is not null and withdrawn_at is null;
-- Lessons that open.
create index enrollments_release_idx on public.enrollments (next_release_at) where withdrawn_at is null;

comment on table public.enrollments is 'Which tiers of which courses learners have';
comment on column public.enrollments.source is 'Of the newest grant: purchase, upgrade (the price difference to a tier they had), or manual (an admin)';
comment on column public.enrollments.amount_paid is 'Paid by the newest grant, in currency';
comment on column public.enrollments.payment_id is 'Payment of the newest grant; null: given by hand';
comment on column public.enrollments.enrolled_at is 'When the first of its grants that still count was given';
comment on column public.enrollments.expires_at is 'End of access; null: for life';
comment on column public.enrollments.reminded_at is 'When the learner was reminded of the end of access';
comment on column public.enrollments.withdrawn_at is 'Since when no grant is left: refunded, or withdrawn by an admin; null: it counts';
comment on column public.enrollments.releases_checked_at is 'Until when lessons that opened were announced; null: since enrolled_at';
comment on column public.enrollments.next_release_at is 'When to look next for lessons that opened';
alter table public.enrollments enable row level security;
revoke all on table public.enrollments from public, anon, authenticated, service_role;
revoke all on sequence public.enrollments_id_seq from public, anon, authenticated, service_role;
