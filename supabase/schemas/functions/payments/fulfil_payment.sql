-- Gives what was paid for: time of a plan, bonus credits or balance; completes the order, uses up its discount, keeps
-- the renewal, pays the referrer's commission, and tells the buyer. A purchase from balance answers on its own screen.
--
-- Twice or at once: the caller holds the payment and its order and has seen that nothing was given; each effect is
--   unique besides. Both people are locked in the order of their ids.
-- Returns: jsonb array of the outbox items to deliver now.
-- Errors: none.
create or replace function private.fulfil_payment(p_payment public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_bought record;
  v_referrer_id bigint;
  v_given numeric;
  v_subscription_id bigint;
  v_ends_at timestamptz;
  v_offer jsonb;
  v_is_resumed boolean;
  v_replaced jsonb;
begin
  select b.kind, b.plan, b.period, b.quantity, b.bot, p.texts, b.order_id, b.continues
    into v_bought
    from (
      select o.product_key, o.kind, o.plan, o.period, o.quantity, o.bot, o.id as order_id, o.continues
        from public.orders as o
       where o.id = p_payment.order_id
      union all
      select r.product_key, r.kind, r.plan, r.period, null::numeric, r.bot, null::bigint, null::text
        from public.renewals as r
       where r.id = p_payment.renewal_id and p_payment.order_id is null
    ) as b
    join public.products as p on p.key = b.product_key;
  select r.referrer_id into v_referrer_id
    from public.user_referrals as r
   where r.referred_id = p_payment.user_id and r.status = 'completed';
  perform from public.users as u
    where u.id in (p_payment.user_id, v_referrer_id)
    order by u.id
      for no key update;
  select u.id into v_referrer_id from public.users as u where u.id = v_referrer_id;  -- erased meanwhile: null

  case v_bought.kind
    when 'subscription' then
      select e.subscription_id, e.seconds into v_subscription_id, v_given
        from private.extend_subscription(p_payment.user_id, v_bought.plan, 'purchase', v_bought.period, null) as e;
      select s.ends_at into v_ends_at from public.subscriptions as s where s.id = v_subscription_id;
    when 'credits' then
      v_given := v_bought.quantity;
      update public.users as u set bonus_credits = u.bonus_credits + v_given::integer where u.id = p_payment.user_id;
    when 'balance' then
      v_given := v_bought.quantity;
      perform private.adjust_balance_for_payment(p_payment.user_id, v_given, 'payment', p_payment.id, 'balance', 0);
    else
      v_given := 1;
  end case;
  insert into public.payment_effects (payment_id, effect, user_id, subscription_id, given)
  values (p_payment.id, v_bought.kind, p_payment.user_id, v_subscription_id, v_given);
  perform private.pay_commission(p_payment, v_referrer_id);

  update public.orders as o
     set status = 'completed', completed_at = v_now
   where o.id = p_payment.order_id and o.status <> 'completed';
  perform private.consume_discount(p_payment.order_id);
  v_is_resumed := private.save_renewal(p_payment, v_ends_at);
  v_replaced := private.replace_renewals(p_payment, v_is_resumed);
  if p_payment.status = 'refunded' or p_payment.provider = 'balance' then
    return v_replaced;
  end if;
  v_offer := private.offer_after_top_up(p_payment.user_id, v_bought.order_id, v_bought.continues);
  return private.enqueue_user_message(
    p_payment.user_id,
    v_bought.bot,
    case
      when v_offer is not null then 'paid_balance_continues'
      when v_is_resumed then 'renewed_resumed'
      when p_payment.renewal_id is null then 'paid_' || v_bought.kind
      else 'renewed'
    end,
    jsonb_build_object('title', private.product_titles(v_bought.texts))
    || case v_bought.kind
         when 'subscription' then jsonb_build_object('until', jsonb_build_object('date', v_ends_at))
         when 'course' then '{}'
         when 'balance' then jsonb_build_object(
           'quantity', jsonb_build_object('amount', v_given, 'currency', private.setting('balance_currency'))
         )
         else jsonb_build_object('quantity', trim_scale(v_given))
       end
    || coalesce(v_offer -> 'values', '{}'),
    v_offer -> 'buttons'
  ) || v_replaced;
end
$$;

revoke all on function private.fulfil_payment from public, anon, authenticated, service_role;
comment on function private.fulfil_payment is 'Gives what was paid for';
