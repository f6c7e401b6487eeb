-- Reverses the fulfilment of a payment in proportion to what was refunded or disputed, and restores it when a refund failed or
-- a dispute was won. Credits, balance and plan time never become negative: what the user no longer had is not reversed, and not
-- restored either. For an erased user only the target is updated; their gift is taken
-- back all the same.
--
-- Concurrency: the caller holds the payment's lock. The quantity to reverse is stored (payment_effects.reversal_target), so
--   that the same sums change nothing again.
-- Locks: users of the effects and the recipient of a gift by id (NO KEY UPDATE), effects, gift.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.reverse_fulfilment(p_payment public.payments, p_before public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_share numeric := least(
    1, coalesce((p_payment.refunded + p_payment.disputed) / nullif(p_payment.amount, 0), 0)
  );
  v_effect public.payment_effects;
  v_target numeric;
  v_reversed numeric;
  v_has_changed boolean := false;
begin
  perform from public.users as u
    where u.id in (
      select e.user_id from public.payment_effects as e where e.payment_id = p_payment.id
      union all
      select g.taken_by from public.gifts as g where g.payment_id = p_payment.id
    )
    order by u.id
      for no key update;
  for v_effect in
    select e.* from public.payment_effects as e where e.payment_id = p_payment.id order by e.effect
  loop
    v_target := case
      when v_share = 1 then v_effect.given
      when v_effect.effect in ('balance', 'commission', 'second_commission') then round(v_effect.given * v_share, 2)
      when v_effect.effect in ('course', 'gift') then 0
      else floor(v_effect.given * v_share)
    end;
    if v_effect.user_id is null then
      v_target := greatest(v_target, v_effect.reversed);  -- an erased user's reversal is not restored
    end if;
    continue when v_target = v_effect.reversal_target;
    v_has_changed := true;
    if v_target > v_effect.reversal_target then
      v_reversed := v_effect.reversed + private.adjust_effect(p_payment, v_effect, v_effect.reversal_target - v_target);
    else
      v_reversed := least(v_effect.reversed, v_target);
      perform private.adjust_effect(p_payment, v_effect, v_effect.reversed - v_reversed);
    end if;
    update public.payment_effects as e
       set reversal_target = v_target, reversed = v_reversed, adjustments = e.adjustments + 1
     where e.payment_id = v_effect.payment_id and e.effect = v_effect.effect;
  end loop;
  if v_share < 1 and p_payment.refunded + p_payment.disputed > p_before.refunded + p_before.disputed then
    perform private.alarm_upgraded_refund(p_payment);  -- delivered by the sweep
  end if;
  -- The buyer is notified of every refund, also of one too small to reverse anything.
  if not v_has_changed and p_payment.refunded + p_payment.disputed = p_before.refunded + p_before.disputed then
    return '[]'::jsonb;
  end if;
  return private.notify_refund(p_payment, p_before);
end
$$;

revoke all on function private.reverse_fulfilment from public, anon, authenticated, service_role;
comment on function private.reverse_fulfilment is 'Reverses or restores the fulfilment of a payment';
