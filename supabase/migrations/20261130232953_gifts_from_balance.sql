-- Gifts from balance.

-- The new text takes the same calls.
-- squawk-ignore ban-drop-function
drop function public.pay_from_balance(p_user_id bigint, p_product_key text, p_bot text, p_reference text, p_amount numeric);

-- Creates an order of one product at its current price, less the user's discount unless the order renews or tops up the
-- balance. From balance (provider balance, see public.pay_from_balance) everything except a top-up is sold, in balance_currency
-- and for one period. The order expires after order_hours, or with its discount if that is sooner.
--
-- p_reference: idempotency key. p_message_id: message whose button was tapped; if it invites to pay an order already (a double
-- tap, or an old screen), the same choice gets that order, and an order that is paid or under review is closed.
-- p_next_product_key: product for which a top-up is made, offered once it is paid. p_reuse: the same choice at the same price
-- gets the buyer's open order, whichever message or device it was chosen on, unless an attempt to pay it failed or it expires
-- within the hour. p_is_gift: the plan is for another user; not sold with auto-renewal.
--
-- Concurrency: a reference has one order, and every call with it gets that order. The user's lock makes an erasure run before
--   it or find the order. A discount is bound to one order at a time: its row is locked and the order that had it is withdrawn.
--   With p_reuse an advisory lock serializes the calls of one user, so that two devices get one order.
-- Locks: user (KEY SHARE), with p_reuse an advisory lock of the user's orders, discount, orders by id: the order in which
--   private.lock_payers locks, so that recording a payment at the same time cannot deadlock.
-- Returns: jsonb
--   outcome: 'created' | 'known'
--     | 'reused'           (an earlier call made it and it has a checkout, whose link may have run out since)
--     | 'closed'           (the message's order is paid or under review)
--     | 'not_for_sale'     (switched off, no price in this currency, or not sold from balance)
--   ...?private.order_details                    (created, known, reused)
--   ...?private.closed_checkout               (closed)
-- Errors: M0003 no such user.
create or replace function public.create_order(
  p_user_id bigint,
  p_product_key text,
  p_provider text,
  p_currency text,
  p_bot text,
  p_renews boolean default false,
  p_contact text default null,
  p_reference text default null,
  p_next_product_key text default null,
  p_message_id bigint default null,
  p_reuse boolean default false,
  p_is_gift boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_outcome text := 'known';
  v_invited public.orders;
  v_quote public.orders;
  v_closed jsonb;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'there is no such user' using errcode = 'M0003';
  end if;
  select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
  if v_order.id is null and p_message_id is not null then
    select o.* into v_invited
      from public.orders as o
     where o.user_id = p_user_id and o.bot = p_bot and p_message_id = any(o.message_ids)
     order by o.id desc
     limit 1;
    v_closed := private.closed_checkout(v_invited);
    if v_closed is not null then
      return v_closed;
    elsif v_invited.checkout_url is not null
      and private.checkout_state(v_invited) is null
      and 'failed' <> all(v_invited.notified)
      and (v_invited.product_key, v_invited.provider, v_invited.currency) = (p_product_key, p_provider, p_currency)
      and v_invited.renews = p_renews
      and v_invited.is_gift = p_is_gift
    then
      v_order := v_invited;
      v_outcome := 'reused';
    end if;
  end if;
  if v_order.id is not null then
    return private.order_details(v_order, v_outcome);
  end if;

  v_quote := private.quote_order(p_user_id, p_product_key, p_provider, p_currency, p_renews, p_reuse);
  if v_quote.product_key is null or (p_is_gift and (v_quote.kind <> 'subscription' or v_quote.renews)) then
    return jsonb_build_object('outcome', 'not_for_sale');
  end if;
  v_quote.bot := p_bot;
  v_quote.contact := p_contact;
  v_quote.is_gift := p_is_gift;
  v_quote.next_product_key := case when v_quote.kind = 'balance' then p_next_product_key end;
  if not v_quote.renews and v_quote.kind <> 'balance' then
    -- A concurrent call with this reference may have created the order while this one waited for the discount.
    select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
    if v_order.id is not null then
      return private.order_details(v_order, v_outcome);
    end if;
  end if;
  -- Another choice: the message will invite to pay the new order.
  update public.orders as o set message_ids = array_remove(o.message_ids, p_message_id) where o.id = v_invited.id;
  if p_reuse then
    v_order := private.find_reusable_order(v_quote);
    update public.orders as o
       set message_ids = array_append(array_remove(o.message_ids, p_message_id), p_message_id)
     where o.id = v_order.id and p_message_id is not null;
    if v_order.id is not null then
      return private.order_details(v_order, case when v_order.checkout_url is null then 'known' else 'reused' end);
    end if;
  end if;

  if v_quote.promocode_id is not null then
    perform private.withdraw_orders(p_user_id, v_quote.promocode_id, null);
  end if;
  insert into public.orders as o (
    user_id, product_key, provider, currency, amount, kind, plan, period, quantity, renews, contact, bot,
    reference, expires_at, full_amount, promocode_id, next_product_key, course_terms, is_gift
  )
  values (
    p_user_id, v_quote.product_key, p_provider, p_currency, v_quote.amount, v_quote.kind, v_quote.plan, v_quote.period,
    v_quote.quantity, v_quote.renews, p_contact, p_bot, p_reference, v_quote.expires_at, v_quote.full_amount,
    v_quote.promocode_id, v_quote.next_product_key, v_quote.course_terms, p_is_gift
  )
  on conflict (reference) do nothing
  returning o.* into v_order;
  if v_order.id is not null then
    if p_provider <> 'balance' then
      perform private.enter_sequences(p_user_id, 'checkout_opened');
    end if;
    perform private.count_milestone(p_user_id, 'checkout');
    return private.order_details(v_order, 'created');
  end if;
  select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
  return private.order_details(v_order, 'known');
end
$$;

revoke all on function public.create_order from public, anon, authenticated, service_role;
grant execute on function public.create_order to bot_backend;
comment on function public.create_order is 'Creates an order of one product';

-- Notifies the buyer of a refund (partial or full), of a dispute, and of what reversed either. A part of the price takes nothing
-- of a course or a gift.
--
-- Concurrency: the caller calls when the sums or the reversed quantities have changed.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing); empty for a dispute that is already decided in the buyer's favor,
--   which private.notify_dispute_lost reports.
-- Errors: none.
create or replace function private.notify_refund(p_payment public.payments, p_before public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payer record;
  v_back numeric := p_payment.refunded + p_payment.disputed - p_before.refunded - p_before.disputed;
begin
  if v_back = 0 then  -- the refund was recorded before the payment was settled
    v_back := p_payment.refunded + p_payment.disputed;
  end if;
  if p_payment.disputed > p_before.disputed and not exists (
    select
      from public.payment_operations as o
     where o.payment_id = p_payment.id and o.kind = 'dispute' and not o.is_final
  ) then
    return '[]'::jsonb;  -- already lost by us: private.notify_dispute_lost notifies
  end if;
  select b.* into v_payer from private.find_payer(p_payment) as b;
  return private.enqueue_user_message(
    v_payer.user_id,
    v_payer.bot,
    case
      when v_payer.product_key is null then 'refunded_unknown'
      when p_payment.problem is not null then 'refunded_unused'
      when p_payment.disputed < p_before.disputed then 'dispute_won'
      when v_back < 0 then 'refund_undone'
      when p_payment.disputed > p_before.disputed then 'disputed'
      when p_payment.status = 'completed' and exists (
        select
          from public.payment_effects as e
         where e.payment_id = p_payment.id and e.effect in ('course', 'gift')
      ) then case when p_payment.provider = 'balance' then 'refunded_part_kept_to_balance' else 'refunded_part_kept' end
      when p_payment.provider = 'balance' and p_payment.status = 'completed' then 'refunded_part_to_balance'
      when p_payment.provider = 'balance' then 'refunded_to_balance'
      when p_payment.status = 'completed' then 'refunded_part'
      else 'refunded'
    end,
    jsonb_build_object('money', jsonb_build_object('amount', abs(v_back), 'currency', p_payment.currency))
    || case
         when v_payer.product_key is null then '{}'::jsonb
         else jsonb_build_object('title', private.product_titles(v_payer.product_key))
       end
  );
end
$$;

revoke all on function private.notify_refund from public, anon, authenticated, service_role;
comment on function private.notify_refund is 'Notifies the buyer of a refund or dispute';

-- Buys one product from the user's balance: the order, the payment (provider balance), its fulfilment and the ledger entry
-- (reference orders:<id>:paid) are one transaction. The price is the one in balance_currency, less the user's discount. A
-- subscription is bought for one period and does not renew; with p_is_gift it is for another user (public.take_gift).
--
-- Concurrency: a reference has one order, so a repeated or concurrent call gets the same order and it is paid once. Calls with
--   different references are serialized by the user's row lock: the balance cannot become negative.
-- Locks: user (KEY SHARE), discount, orders that lose the discount, order, payment, then users by id (NO KEY UPDATE), the same
--   order as in public.record_payment_event.
-- Returns: jsonb
--   outcome: 'paid' | 'known'
--     | 'not_for_sale'     (inactive, no price in balance_currency, a top-up, or not a plan with p_is_gift; without the other
--                           keys)
--   id?: bigint            (of the order)
--   texts?: product_texts
--   kind?: 'subscription' | 'credits' | 'balance' | 'course'
--   amount?: numeric
--   quantity?: numeric | null
--   currency?: text
--   is_gift?: boolean
--   payment_id?: bigint
--   until?: timestamptz | null                (end of the plan that was bought)
--   state?: 'paid' | 'held' | 'refunded' | 'disputed' | 'withdrawn' | 'expired' | null
--   balance?: numeric
--   outgoing?: outgoing
-- Errors: M0003 no such user; L0002 the balance is too low; L0005 the price differs from p_amount, the price that the buyer saw
--   (null: any); M0004 the reference belongs to an order that is not paid from balance, or to one that cannot be paid any more.
create or replace function public.pay_from_balance(
  p_user_id bigint, p_product_key text, p_bot text, p_reference text, p_amount numeric default null,
  p_is_gift boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_made jsonb := public.create_order(
    p_user_id, p_product_key, 'balance', private.setting('balance_currency'), p_bot, p_reference => p_reference,
    p_is_gift => p_is_gift
  );
  v_order public.orders;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select o.* into v_order from public.orders as o where o.id = (v_made ->> 'id')::bigint;
  if v_made ->> 'outcome' = 'not_for_sale' then
    return v_made;
  elsif v_order.provider is distinct from 'balance' then
    raise exception 'the reference belongs to an order that is not paid from balance' using errcode = 'M0004';
  elsif v_order.status <> 'completed' then
    if v_order.amount <> p_amount then
      raise exception 'the price has changed' using errcode = 'L0005';
    end if;
    v_outgoing := private.charge_balance(v_order);
  end if;
  return jsonb_build_object(
    'outcome', case when v_order.status = 'completed' then 'known' else 'paid' end,
    'id', v_order.id,
    'texts', v_made -> 'texts',
    'kind', v_order.kind,
    'amount', v_order.amount::text,
    'quantity', trim_scale(v_order.quantity)::text,
    'currency', v_order.currency,
    'is_gift', v_order.is_gift,
    'payment_id', (select p.id from public.payments as p where p.order_id = v_order.id),
    'until', (
      select s.ends_at
        from public.payments as p
        join public.payment_effects as e on e.payment_id = p.id
        join public.subscriptions as s on s.id = e.subscription_id
       where p.order_id = v_order.id
    ),
    'state', private.checkout_state(v_order),
    'balance', (select u.balance::text from public.users as u where u.id = p_user_id),
    'outgoing', v_outgoing
  );
end
$$;

revoke all on function public.pay_from_balance from public, anon, authenticated, service_role;
grant execute on function public.pay_from_balance to bot_backend;
comment on function public.pay_from_balance is 'Buys one product from the user''s balance';
