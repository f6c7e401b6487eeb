-- Reverses a part of a payment effect (p_amount below zero) or restores it (above zero). Nothing happens for an erased user,
-- except that a gift is taken back.
--
-- Concurrency: the caller holds the payment and the user. The ledger's reference contains the number of the adjustment; the
--   caller stores the new number.
-- Locks: user (NO KEY UPDATE, held by the caller), then the user's subscriptions of the plan, or enrollments in the course.
-- Returns: numeric, the quantity reversed: at most what the user had left; 0 for a restoration.
-- Errors: none.
create or replace function private.adjust_effect(
  p_payment public.payments, p_effect public.payment_effects, p_amount numeric
)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_plan text;
  v_subscription_id bigint;
  v_reversed numeric := 0;
begin
  if p_effect.effect = 'gift' and p_amount <> 0 then
    perform private.switch_gift(p_payment.id, p_amount < 0);
    return greatest(-p_amount, 0);
  end if;
  select u.* into v_user from public.users as u where u.id = p_effect.user_id;
  if not found or p_amount = 0 then
    return 0;
  end if;
  case p_effect.effect
    when 'credits' then
      v_reversed := least(-p_amount, v_user.bonus_credits);
      update public.users as u
         set bonus_credits = u.bonus_credits - v_reversed::integer
       where u.id = v_user.id;
    when 'balance', 'commission', 'second_commission' then
      v_reversed := least(-p_amount, v_user.balance);
      if v_reversed <> 0 then
        perform private.adjust_balance_for_payment(
          v_user.id, -v_reversed, 'refund', p_payment.id, p_effect.effect, p_effect.adjustments + 1
        );
      end if;
    when 'subscription' then
      select s.plan into v_plan from public.subscriptions as s where s.id = p_effect.subscription_id;
      if p_amount > 0 then
        select e.subscription_id into v_subscription_id
          from private.extend_subscription(v_user.id, v_plan, 'purchase', null, p_amount) as e;
        update public.subscriptions as s
           set monthly_amount = b.monthly_amount, currency = b.currency
          from public.subscriptions as b
         where s.id = v_subscription_id and s.monthly_amount is null and b.id = p_effect.subscription_id;
      else
        v_reversed := floor(private.shorten_subscription(v_user.id, v_plan, 'purchase', -p_amount));
      end if;
    when 'course' then
      perform private.switch_grant(p_payment.id, p_amount < 0);
      v_reversed := greatest(-p_amount, 0);
  end case;
  return greatest(v_reversed, 0);
end
$$;

revoke all on function private.adjust_effect from public, anon, authenticated, service_role;
comment on function private.adjust_effect is 'Reverses a part of a payment effect, or restores it';
