-- Course functions for lint.

-- Gives the buyer the tier of a course that a payment was made for, by the terms of the order (orders.course_terms). If a
-- purchase that lowered the price was refunded at the same moment, the tier stays withdrawn and the admins get an alarm.
--
-- Concurrency: the caller holds the payment and the user and calls once per payment.
-- Locks: as private.grant_tier.
-- Returns: void
-- Errors: none.
create or replace function private.enroll_buyer(p_payment public.payments)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_terms jsonb;
  v_grant public.enrollment_grants;
begin
  select o.course_terms into v_terms from public.orders as o where o.id = p_payment.order_id;
  if v_terms is null then
    return;  -- a product that gives no course here
  end if;
  v_grant.credited := array(select c.value::bigint from jsonb_array_elements_text(v_terms -> 'credited') as c);
  v_grant.source := case when cardinality(v_grant.credited) > 0 then 'upgrade' else 'purchase' end;
  v_grant.payment_id := p_payment.id;
  v_grant.order_id := p_payment.order_id;
  v_grant.amount := p_payment.amount;
  v_grant.currency := p_payment.currency;
  v_grant.cohort_id := (v_terms ->> 'cohort_id')::bigint;
  v_grant.access_days := (v_terms ->> 'access_days')::integer;
  perform private.grant_tier(
    p_payment.user_id, (v_terms ->> 'course_id')::bigint, v_terms ->> 'tier', v_grant
  );
  perform private.alarm_payment_problem(p_payment, 'upgrade')  -- delivered by the sweep
    from public.enrollment_grants as g
   where g.payment_id = p_payment.id and not private.is_live_grant(g);
end
$$;

revoke all on function private.enroll_buyer from public, anon, authenticated, service_role;
comment on function private.enroll_buyer is 'Gives the buyer the tier of a course that a payment was made for';

-- Switches the reminders that an idle learner of a course gets on or off.
--
-- Concurrency: a repeated call changes nothing. The user's lock makes an erasure wait or find the row.
-- Locks: user (KEY SHARE), progress in the course.
-- Returns: jsonb
--   is_known: boolean      (false: no such user or course)
-- Errors: none.
create or replace function public.set_course_reminders(p_user_id bigint, p_course_id bigint, p_wants boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found or not exists (select from public.courses as c where c.id = p_course_id) then
    return '{"is_known": false}'::jsonb;
  end if;
  insert into public.course_progress (user_id, course_id, wants_reminders)
  values (p_user_id, p_course_id, p_wants)
  on conflict (user_id, course_id) do update set wants_reminders = excluded.wants_reminders;
  return '{"is_known": true}'::jsonb;
end
$$;

revoke all on function public.set_course_reminders from public, anon, authenticated, service_role;
grant execute on function public.set_course_reminders to bot_backend;
comment on function public.set_course_reminders is 'Switches reminders of a course on or off';
