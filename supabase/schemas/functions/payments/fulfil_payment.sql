-- Grants what a payment was made for: plan time, bonus credits, balance, a course or a gift. Completes the order, consumes its
-- discount, creates or extends the renewal, cancels the renewals that it replaces, pays the commissions of the referrer and of
-- the user who had invited the referrer, and sends the buyer a message and the admins a notice (private.notify_purchase). A
-- purchase from balance shows its buyer the result on its own screen instead; a payment that was refunded before it arrived
-- sends none.
--
-- Concurrency: the caller holds the payment and its order and has checked that nothing was granted; effects are also unique per
--   payment. Buyer, referrer and second referrer are locked in the order of their ids, so that two payments with the
--   same users cannot deadlock.
-- Locks: payment and order (held by the caller), buyer, referrer and second referrer by id (NO KEY UPDATE), then the buyer's
--   subscriptions, other orders with the same discount by id, broadcasts that the buyer received, and renewals; before those,
--   as private.count_milestone.
-- Returns: jsonb, the messages to deliver now (outgoing).
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
  v_purchase record;
  v_referrer_id bigint;
  v_second_id bigint;
  v_given numeric;
  v_ends_at timestamptz;
  v_offer jsonb;
  v_is_resumed boolean;
  v_replaced jsonb;
begin
  select b.kind, b.plan, b.period, b.quantity, b.bot, b.product_key, b.order_id, b.next_product_key
    into v_purchase
    from (
      select o.product_key, case when o.is_gift then 'gift' else o.kind end as kind, o.plan, o.period, o.quantity, o.bot, o.id as order_id, o.next_product_key
        from public.orders as o
       where o.id = p_payment.order_id
      union all
      select r.product_key, r.kind, r.plan, r.period, null::numeric, r.bot, null::bigint, null::text
        from public.renewals as r
       where r.id = p_payment.renewal_id and p_payment.order_id is null
    ) as b;
  select r.referrer_id into v_referrer_id
    from public.user_referrals as r
   where r.referred_id = p_payment.user_id and r.status = 'completed';
  select r.referrer_id into v_second_id
    from public.user_referrals as r
   where private.setting('referral_second_percent')::numeric > 0
     and r.referred_id = v_referrer_id and r.status = 'completed' and r.referrer_id <> p_payment.user_id;
  perform from public.users as u
    where u.id in (p_payment.user_id, v_referrer_id, v_second_id)
    order by u.id
      for no key update;
  select u.id into v_referrer_id from public.users as u where u.id = v_referrer_id;  -- null: erased in between
  select u.id into v_second_id from public.users as u where u.id = v_second_id and u.banned_at is null;

  select g.given, g.ends_at into v_given, v_ends_at
    from private.grant_purchase(
      p_payment, v_purchase.kind, v_purchase.plan, v_purchase.period, v_purchase.quantity
    ) as g;
  perform private.pay_commission(p_payment, v_referrer_id);
  perform private.pay_commission(p_payment, v_second_id, 'second_commission');
  if p_payment.amount > 0 and p_payment.provider <> 'balance' then
    perform private.count_milestone(p_payment.user_id, 'paid');
  end if;

  update public.orders as o
     set status = 'completed', completed_at = v_now
   where o.id = p_payment.order_id and o.status <> 'completed';
  perform private.consume_discount(p_payment.order_id);
  if v_purchase.order_id is not null and p_payment.renewal_id is null and p_payment.status <> 'refunded' then
    perform private.on_purchase(p_payment.user_id, v_purchase.order_id, v_purchase.kind);
  end if;
  v_is_resumed := private.save_renewal(p_payment, v_ends_at);
  v_replaced := private.replace_renewals(p_payment, v_is_resumed);
  if p_payment.amount > 0 and p_payment.status <> 'refunded' then
    perform private.notify_purchase(p_payment, v_purchase.product_key, v_purchase.bot);
  end if;
  if p_payment.status = 'refunded' or p_payment.provider = 'balance' then
    return v_replaced;
  end if;
  v_offer := private.offer_after_top_up(p_payment.user_id, v_purchase.order_id, v_purchase.next_product_key);
  return private.enqueue_user_message(
    p_payment.user_id,
    v_purchase.bot,
    case
      when v_offer is not null then 'paid_balance_continues'
      when v_is_resumed then 'renewed_resumed'
      when p_payment.renewal_id is null then 'paid_' || v_purchase.kind
      else 'renewed'
    end,
    jsonb_build_object('title', private.product_titles(v_purchase.product_key))
    || case v_purchase.kind
         when 'subscription' then jsonb_build_object('until', jsonb_build_object('date', v_ends_at))
         when 'course' then '{}'
         when 'gift' then '{}'
         when 'balance' then jsonb_build_object(
           'quantity', jsonb_build_object('amount', v_given, 'currency', private.setting('balance_currency'))
         )
         else jsonb_build_object('quantity', trim_scale(v_given))
       end
    || coalesce(v_offer -> 'values', '{}'),
    case v_purchase.kind
      when 'gift' then jsonb_build_array(
        jsonb_build_array(jsonb_build_object('key', 'gift_open', 'data', 'gift:' || p_payment.id))
      )
      else v_offer -> 'buttons'
    end
  ) || v_replaced;
end
$$;

revoke all on function private.fulfil_payment from public, anon, authenticated, service_role;
comment on function private.fulfil_payment is 'Grants what a payment was made for';
