-- Buys one product from the user's balance: the order, the payment (provider balance), what is given for it and the ledger
-- entry (reference orders:<id>:paid) are one transaction. The price is the one in balance_currency, less the user's
-- discount. A subscription is bought for one period: it never renews by itself.
--
-- Twice or at once: with one reference there is one order, so it is paid once; a second call waits for the first and gets the
--   same order. Calls with different references meet in the user's row lock: the balance never falls below zero.
-- Locks: user (KEY SHARE), discount, order, payment, then users by id (NO KEY UPDATE), as where a payment is recorded.
-- Returns: jsonb
--   {outcome: paid | known, id (of the order), texts, kind, amount, quantity, currency, until, state, balance, outgoing}
--     until: the end of the plan that was bought; state: see private.checkout_state; outgoing: messages to deliver now
--   {outcome: not_for_sale}    switched off, no price in balance_currency, or a top-up
-- Errors: M0003 there is no such user; L0002 the balance is too low; L0005 the price is not p_amount, the one that the buyer
--   saw (null: any); M0004 the reference belongs to an order that is not paid from balance.
create or replace function public.pay_from_balance(
  p_user_id bigint, p_product_key text, p_bot text, p_reference text, p_amount numeric default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_made jsonb := public.create_order(
    p_user_id, p_product_key, 'balance', private.setting('balance_currency'), p_bot, p_reference => p_reference
  );
  v_order public.orders;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select o.* into v_order from public.orders as o where o.id = (v_made ->> 'id')::bigint;
  if v_made ->> 'outcome' = 'not_for_sale' then
    return v_made;
  elsif v_order.provider is distinct from 'balance' then
    raise exception 'the reference belongs to another order' using errcode = 'M0004';
  elsif v_order.status <> 'completed' then
    if v_order.amount <> p_amount then
      raise exception 'the price has changed' using errcode = 'L0005';
    end if;
    v_outgoing := private.take_balance_payment(v_order);
  end if;
  return jsonb_build_object(
    'outcome', case when v_order.status = 'completed' then 'known' else 'paid' end,
    'id', v_order.id,
    'texts', v_made -> 'texts',
    'kind', v_order.kind,
    'amount', v_order.amount::text,
    'quantity', trim_scale(v_order.quantity)::text,
    'currency', v_order.currency,
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
