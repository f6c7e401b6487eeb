-- Moves a learner's tier of a course to another cohort in an admin's name; p_cohort_key null: out of cohorts, so that lessons are
-- released from the day of the enrollment. What is open stays open. The end of timed access follows the cohort's beginning. The
-- learner gets no message.
--
-- Concurrency: the user's row is locked. With a reference it acts once.
-- Locks: user (NO KEY UPDATE), grants, then as private.refresh_enrollments.
-- Returns: jsonb
--   { outcome: 'moved' | 'unchanged' | 'withdrawn' | 'none' }   (moved also for a repetition; withdrawn: the tier does not count any
--                                                                more; none: no such enrollment, or no such cohort of its course)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, user or cohort.
create or replace function public.admin_move_learner(
  p_enrollment_id bigint, p_cohort_key text, p_admin_email text, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_enrollment public.enrollments;
  v_cohort public.cohorts;
  v_known public.audit_log;
begin
  select e.* into v_enrollment from public.enrollments as e where e.id = p_enrollment_id;
  perform from public.users as u where u.id = v_enrollment.user_id for no key update;
  if not found then
    return '{"outcome": "none"}'::jsonb;
  end if;
  select e.* into v_enrollment from public.enrollments as e where e.id = p_enrollment_id;
  select h.* into v_cohort from public.cohorts as h where h.course_id = v_enrollment.course_id and h.key = p_cohort_key;
  if p_cohort_key is not null and v_cohort.id is null then
    return '{"outcome": "none"}'::jsonb;
  end if;
  v_known := private.find_audit_entry(p_reference, 'move_learner', v_enrollment.user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'enrollment_id', v_known.after ->> 'cohort') is distinct from (p_enrollment_id::text, p_cohort_key) then
      raise exception 'the reference was used with another cohort' using errcode = 'N0003';
    end if;
    return '{"outcome": "moved"}'::jsonb;
  elsif v_enrollment.withdrawn_at is not null then
    return '{"outcome": "withdrawn"}'::jsonb;
  elsif v_enrollment.cohort_id is not distinct from v_cohort.id then
    return '{"outcome": "unchanged"}'::jsonb;
  end if;
  update public.enrollment_grants as g
     set cohort_id = v_cohort.id
   where g.enrollment_id = p_enrollment_id and private.is_live_grant(g);
  perform private.refresh_enrollments(v_enrollment.user_id, v_enrollment.course_id);
  perform private.write_audit(
    v_email, 'move_learner', v_enrollment.user_id, p_reference,
    jsonb_build_object(
      'enrollment_id', p_enrollment_id,
      'cohort', (select h.key from public.cohorts as h where h.id = v_enrollment.cohort_id)
    ),
    jsonb_build_object(
      'enrollment_id', p_enrollment_id,
      'course', (select c.slug from public.courses as c where c.id = v_enrollment.course_id),
      'cohort', p_cohort_key
    )
  );
  return '{"outcome": "moved"}'::jsonb;
end
$$;

revoke all on function public.admin_move_learner from public, anon, authenticated, service_role;
grant execute on function public.admin_move_learner to bot_backend;
comment on function public.admin_move_learner is 'Moves a learners tier to another cohort in an admins name';
