-- Creates an order of one product at its current price, less the user's discount unless the order renews or tops up the
-- balance. From balance (provider balance, see public.pay_from_balance) everything except a top-up is sold, in balance_currency
-- and for one period. The order expires after order_hours, or with its discount if that is sooner.
--
-- p_reference: idempotency key. p_message_id: message whose button was tapped; if it invites to pay an order already (a double
-- tap, or an old screen), the same choice gets that order, and an order that is paid or under review is closed. p_next_product_key:
-- product for which a top-up is made, offered once it is paid. p_reuse: the same choice at the same price gets the buyer's open
-- order, whichever message or device it was chosen on, unless an attempt to pay it failed or it expires within the hour.
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
  p_reuse boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_product public.products;
  v_full_amount numeric;
  v_discount public.promocode_usages;
  v_amount numeric;
  v_renews boolean;
  v_order public.orders;
  v_outcome text := 'known';
  v_invited public.orders;
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
    then
      v_order := v_invited;
      v_outcome := 'reused';
    end if;
  end if;
  if v_order.id is null then
    select p.* into v_product from public.products as p where p.key = p_product_key and p.is_active;
    select c.amount into v_full_amount
      from public.product_prices as c
     where c.product_key = v_product.key and c.currency = p_currency;
    if v_full_amount is null
      or (p_provider = 'balance' and (v_product.kind = 'balance' or p_currency <> private.setting('balance_currency')))
    then
      return jsonb_build_object('outcome', 'not_for_sale');
    end if;
    v_renews := p_renews and v_product.kind = 'subscription' and p_provider <> 'balance';
    if p_reuse then
      perform pg_advisory_xact_lock(hashtextextended(format('orders of %s', p_user_id), 0));
    end if;
    if not v_renews and v_product.kind <> 'balance' then
      v_discount := private.lock_discount(p_user_id);
      -- A concurrent call with this reference may have created the order while this one waited for the lock.
      select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
    end if;
  end if;
  if v_order.id is null then
    -- Another choice: the message will invite to pay the new order.
    update public.orders as o set message_ids = array_remove(o.message_ids, p_message_id) where o.id = v_invited.id;
    v_amount := private.discounted_price(v_full_amount, p_currency, v_discount.percent);
  end if;
  if v_order.id is null and p_reuse then
    select o.* into v_order
      from public.orders as o
     where o.user_id = p_user_id and o.bot = p_bot and o.product_key = v_product.key and o.provider = p_provider
       and o.currency = p_currency and o.amount = v_amount and o.renews = v_renews
       and o.contact is not distinct from p_contact
       and o.next_product_key is not distinct from case when v_product.kind = 'balance' then p_next_product_key end
       and o.promocode_id is not distinct from case when v_amount < v_full_amount then v_discount.promocode_id end
       and o.renewal_id is null and o.status = 'pending' and 'failed' <> all(o.notified)
       and o.expires_at > private.clock() + interval '1 hour'
       and private.checkout_state(o) is null
     order by o.id desc
     limit 1;
    if v_order.checkout_url is not null then
      v_outcome := 'reused';
    end if;
    update public.orders as o
       set message_ids = array_append(array_remove(o.message_ids, p_message_id), p_message_id)
     where o.id = v_order.id and p_message_id is not null;
  end if;
  if v_order.id is null then
    if v_amount < v_full_amount then
      perform private.withdraw_orders(p_user_id, v_discount.promocode_id, null);
    end if;
    insert into public.orders as o (
      user_id, product_key, provider, currency, amount, kind, plan, period, quantity, renews, contact, bot,
      reference, expires_at, full_amount, promocode_id, next_product_key
    )
    values (
      p_user_id, v_product.key, p_provider, p_currency, v_amount, v_product.kind, v_product.plan, v_product.period,
      v_product.quantity, v_renews, p_contact, p_bot, p_reference,
      least(
        private.clock() + make_interval(hours => private.setting('order_hours')::integer),
        case when v_amount < v_full_amount then v_discount.expires_at end
      ),
      case when v_amount < v_full_amount then v_full_amount end,
      case when v_amount < v_full_amount then v_discount.promocode_id end,
      case when v_product.kind = 'balance' then p_next_product_key end
    )
    on conflict (reference) do nothing
    returning o.* into v_order;
    if found then
      v_outcome := 'created';
    end if;
  end if;
  if v_order.id is null then
    select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
  end if;
  return private.order_details(v_order, v_outcome);
end
$$;

revoke all on function public.create_order from public, anon, authenticated, service_role;
grant execute on function public.create_order to bot_backend;
comment on function public.create_order is 'Creates an order of one product';
