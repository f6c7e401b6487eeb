-- Withdraws what a payment gave of a course, or restores it. Upgrades that were cheaper because of it are withdrawn and restored
-- with it; the admins get an alarm about each, because their payments are not refunded. What an admin withdrew stays withdrawn.
--
-- Concurrency: the caller holds the payment and the user. A repetition changes nothing.
-- Locks: user (held by the caller), grant, then as private.refresh_enrollments.
-- Returns: void
-- Errors: none.
create or replace function private.switch_grant(p_payment_id bigint, p_is_withdrawn boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_grant public.enrollment_grants;
  v_enrollment public.enrollments;
begin
  update public.enrollment_grants as g
     set withdrawn_at = case when p_is_withdrawn then private.clock() end,
         withdrawn_for = case when p_is_withdrawn then 'refund' end
   where g.payment_id = p_payment_id
     and (g.withdrawn_at is not null) <> p_is_withdrawn
     and g.withdrawn_for is distinct from 'admin'
  returning g.* into v_grant;
  if not found then
    return;
  end if;
  select e.* into v_enrollment from public.enrollments as e where e.id = v_grant.enrollment_id;
  perform private.refresh_enrollments(v_enrollment.user_id, v_enrollment.course_id);
  if p_is_withdrawn then
    perform private.alarm_payment_problem(p, 'upgrade')  -- delivered by the sweep
      from public.enrollments as e
      join public.enrollment_grants as g on g.enrollment_id = e.id
      join public.payments as p on p.id = g.payment_id
     where e.user_id = v_enrollment.user_id
       and e.course_id = v_enrollment.course_id
       and v_grant.id = any(g.credited)
       and g.withdrawn_at is null;
  end if;
end
$$;

revoke all on function private.switch_grant from public, anon, authenticated, service_role;
comment on function private.switch_grant is 'Withdraws what a payment gave of a course, or restores it';
