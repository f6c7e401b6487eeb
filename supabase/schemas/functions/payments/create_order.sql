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
