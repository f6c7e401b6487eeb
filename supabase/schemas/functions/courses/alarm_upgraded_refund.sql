-- Alerts the admins about the partial refund of a course purchase that has lowered the price of an upgrade: the learner keeps both
-- tiers. A full refund withdraws them (private.switch_grant).
--
-- Concurrency: the caller holds the payment and the user, and calls once per refund or dispute.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.alarm_upgraded_refund(p_payment public.payments)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.alarm_payment_problem(p_payment, 'upgraded_refund')
     from public.enrollment_grants as g
     join public.enrollments as e on e.id = g.enrollment_id
    where g.payment_id = p_payment.id
      and exists (
        select
          from public.enrollments as f
          join public.enrollment_grants as u on u.enrollment_id = f.id
         where f.user_id = e.user_id
           and f.course_id = e.course_id
           and g.id = any(u.credited)
           and private.is_live_grant(u)
      );
end
$$;

revoke all on function private.alarm_upgraded_refund from public, anon, authenticated, service_role;
comment on function private.alarm_upgraded_refund is 'Alerts the admins about the partial refund of an upgraded purchase';
