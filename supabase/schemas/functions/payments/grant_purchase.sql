-- Grants what was bought with a payment (plan time, bonus credits, balance, a course or a gift) and records it as the payment's effect.
--
-- Concurrency: the caller holds the payment and the user and has checked that nothing was granted; the effect is also unique
--   per payment, so that a second grant fails.
-- Locks: user (held by the caller), then the user's subscriptions of the plan, or enrollments in the course.
-- Returns: (given, ends_at), the quantity granted (payment_effects.given) and the new end of the plan; null without a plan.
-- Errors: none.
create or replace function private.grant_purchase(
  p_payment public.payments,
  p_kind text,
  p_plan text,
  p_period text,
  p_quantity numeric,
  out given numeric,
  out ends_at timestamptz
)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_subscription_id bigint;
begin
  case p_kind
    when 'subscription' then
      select e.subscription_id, e.seconds into v_subscription_id, given
        from private.extend_subscription(p_payment.user_id, p_plan, 'purchase', p_period, null) as e;
      update public.subscriptions as s
         set monthly_amount = coalesce(p.price, s.monthly_amount),
             currency = case when p.price is null then s.currency else p_payment.currency end
        from private.monthly_price(p_payment, p_period) as p (price)
       where s.id = v_subscription_id
      returning s.ends_at into ends_at;
    when 'credits' then
      given := p_quantity;
      update public.users as u set bonus_credits = u.bonus_credits + given::integer where u.id = p_payment.user_id;
    when 'balance' then
      given := p_quantity;
      perform private.adjust_balance_for_payment(p_payment.user_id, given, 'payment', p_payment.id, 'balance', 0);
    when 'course' then
      given := 1;
      perform private.enroll_buyer(p_payment);
    when 'gift' then
      given := 1;
      perform private.add_gift(p_payment);
  end case;
  insert into public.payment_effects (payment_id, effect, user_id, subscription_id, given)
  values (p_payment.id, p_kind, p_payment.user_id, v_subscription_id, grant_purchase.given);
end
$$;

revoke all on function private.grant_purchase from public, anon, authenticated, service_role;
comment on function private.grant_purchase is 'Grants what was bought with a payment';
