-- Gives a learner a tier of a course and records what gave it.
--
-- Concurrency: the caller holds the user's row and calls once per event; a payment has one grant (a second one fails).
-- Locks: user (held by the caller), then as private.refresh_enrollments.
-- Returns: bigint, the id of the enrollment.
-- Errors: none.
create or replace function private.grant_tier(
  p_user_id bigint,
  p_course_id bigint,
  p_tier text,
  p_grant public.enrollment_grants
)
returns bigint
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_enrollment_id bigint;
begin
  insert into public.enrollments (user_id, course_id, tier, source)
  values (p_user_id, p_course_id, p_tier, p_grant.source)
  on conflict (user_id, course_id, tier) do nothing;
  select e.id into v_enrollment_id
    from public.enrollments as e
   where e.user_id = p_user_id and e.course_id = p_course_id and e.tier = p_tier;
  insert into public.enrollment_grants (
    enrollment_id, source, payment_id, order_id, amount, currency, cohort_id, access_days, credited
  )
  values (
    v_enrollment_id, p_grant.source, p_grant.payment_id, p_grant.order_id, coalesce(p_grant.amount, 0), p_grant.currency,
    p_grant.cohort_id, p_grant.access_days, coalesce(p_grant.credited, '{}')
  );
  perform private.refresh_enrollments(p_user_id, p_course_id);
  return v_enrollment_id;
end
$$;

revoke all on function private.grant_tier from public, anon, authenticated, service_role;
comment on function private.grant_tier is 'Gives a learner a tier of a course';
