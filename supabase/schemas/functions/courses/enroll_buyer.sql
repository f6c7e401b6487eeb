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
