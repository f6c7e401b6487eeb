-- Notifies the buyer that a dispute was decided in their favor: the money is refunded, and which part of the purchase was
-- reversed.
--
-- Concurrency: the caller calls once, when the dispute is decided.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing); empty if the dispute moved no money or the payment was never
--   fulfilled.
-- Errors: none.
create or replace function private.notify_dispute_lost(p_payment_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments;
  v_payer record;
  v_effect record;
  v_plan jsonb;
begin
  select p.* into v_payment from public.payments as p where p.id = p_payment_id;
  select b.* into v_payer from private.find_payer(v_payment) as b;
  if v_payment.disputed = 0 or v_payment.problem is not null or v_payer.product_key is null then
    return '[]'::jsonb;
  end if;
  select e.effect, e.reversed, s.plan into v_effect
    from public.payment_effects as e
    left join public.subscriptions as s on s.id = e.subscription_id
   where e.payment_id = p_payment_id
     and e.effect not in ('commission', 'second_commission') and e.user_id = v_payer.user_id and e.reversed > 0;
  v_plan := private.plan_of(v_payer.user_id);
  return private.enqueue_user_message(
    v_payer.user_id,
    v_payer.bot,
    case
      when v_effect.effect = 'credits' then 'dispute_lost_credits'
      when v_effect.effect = 'balance' then 'dispute_lost_balance'
      when v_effect.plan <> v_plan ->> 'plan' then 'dispute_lost_plan'
      when v_effect.plan is not null and v_plan ->> 'ends_at' is not null then 'dispute_lost_time'
      else 'dispute_lost'
    end,
    jsonb_build_object(
      'title', private.product_titles(v_payer.product_key),
      'money', jsonb_build_object('amount', v_payment.disputed, 'currency', v_payment.currency),
      'plan', jsonb_build_object('plan', v_effect.plan),
      'until', jsonb_build_object('date', v_plan ->> 'ends_at'),
      'quantity', case v_effect.effect
        when 'balance' then jsonb_build_object(
          'amount', v_effect.reversed, 'currency', private.setting('balance_currency')
        )
        else to_jsonb(trim_scale(v_effect.reversed))
      end
    )
  );
end
$$;

revoke all on function private.notify_dispute_lost from public, anon, authenticated, service_role;
comment on function private.notify_dispute_lost is 'Notifies the buyer what a dispute that they won has reversed';
