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
