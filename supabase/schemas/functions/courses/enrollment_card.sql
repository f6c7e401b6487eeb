-- Returns a tier that a learner has or had, for admins.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   tier: 'basic' | 'accelerator' | 'vip'
--   source: 'purchase' | 'manual' | 'upgrade'
--   amount_paid: numeric
--   currency: text | null
--   payment_id: bigint | null
--   cohort: text | null                        (key)
--   enrolled_at: timestamptz
--   expires_at: timestamptz | null
--   withdrawn_at: timestamptz | null
-- Errors: none.
create or replace function private.enrollment_card(p_enrollment public.enrollments)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', p_enrollment.id,
      'tier', p_enrollment.tier,
      'source', p_enrollment.source,
      'amount_paid', p_enrollment.amount_paid::text,
      'currency', p_enrollment.currency,
      'payment_id', p_enrollment.payment_id,
      'cohort', (select h.key from public.cohorts as h where h.id = p_enrollment.cohort_id),
      'enrolled_at', p_enrollment.enrolled_at,
      'expires_at', p_enrollment.expires_at,
      'withdrawn_at', p_enrollment.withdrawn_at
    );
$$;

revoke all on function private.enrollment_card from public, anon, authenticated, service_role;
comment on function private.enrollment_card is 'A tier that a learner has or had';
