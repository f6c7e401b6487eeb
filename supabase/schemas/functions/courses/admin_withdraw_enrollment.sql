-- Takes a tier of a course from a learner in an admin's name, for good: a dispute that is won later does not restore it. Nothing is
-- refunded (admin_refund_payment). Upgrades from this tier that were cheaper because of it are withdrawn with it. The learner gets
-- no message.
--
-- Concurrency: the user's row is locked. A repeated call changes nothing.
-- Locks: user (NO KEY UPDATE), grants, then as private.refresh_enrollments.
-- Returns: jsonb
--   {
--     applied: boolean     (false: it was withdrawn already)
--     id: bigint | null    (the audit entry)
--   } | null               (no such enrollment)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or user; N0004 the reason is too long.
create or replace function public.admin_withdraw_enrollment(
  p_enrollment_id bigint, p_admin_email text, p_reference text default null, p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_reason constant text := nullif(trim(p_reason), '');
  v_enrollment public.enrollments;
  v_known public.audit_log;
  v_id bigint;
begin
  if length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select e.* into v_enrollment from public.enrollments as e where e.id = p_enrollment_id;
  perform from public.users as u where u.id = v_enrollment.user_id for no key update;
  if not found then
    return null;
  end if;
  v_known := private.find_audit_entry(p_reference, 'withdraw_enrollment', v_enrollment.user_id);
  select e.* into v_enrollment from public.enrollments as e where e.id = p_enrollment_id;
  if v_known.id is null and v_enrollment.withdrawn_at is null then
    update public.enrollment_grants as g
       set withdrawn_at = private.clock(), withdrawn_for = 'admin'
     where g.enrollment_id = p_enrollment_id and g.withdrawn_at is null;
    perform private.refresh_enrollments(v_enrollment.user_id, v_enrollment.course_id);
    v_id := private.write_audit(
      v_email, 'withdraw_enrollment', v_enrollment.user_id, p_reference,
      jsonb_build_object('enrollment_id', p_enrollment_id, 'tier', v_enrollment.tier),
      jsonb_strip_nulls(
        jsonb_build_object(
          'enrollment_id', p_enrollment_id,
          'course', (select c.slug from public.courses as c where c.id = v_enrollment.course_id),
          'reason', v_reason
        )
      )
    );
  end if;
  return jsonb_build_object('applied', v_id is not null, 'id', coalesce(v_id, v_known.id));
end
$$;

revoke all on function public.admin_withdraw_enrollment from public, anon, authenticated, service_role;
grant execute on function public.admin_withdraw_enrollment to bot_backend;
comment on function public.admin_withdraw_enrollment is 'Takes a tier of a course from a learner in an admins name';
