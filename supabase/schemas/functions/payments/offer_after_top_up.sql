-- Offers the product for which a top-up was made: one tap buys it from balance. If the balance is still too low, the button
-- opens the page that shows what is missing.
--
-- Concurrency: read-only. The button carries the price and the top-up's order as idempotency key, so that
--   public.pay_from_balance buys once, however often it is tapped.
-- Locks: none.
-- Returns: jsonb {values: {wanted, price}, buttons} for private.enqueue_user_message; null if the product is not sold from
--   balance.
-- Errors: none.
create or replace function private.offer_after_top_up(p_user_id bigint, p_order_id bigint, p_product_key text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_currency text := private.setting('balance_currency');
  v_price numeric;
  v_data text;
begin
  select private.discounted_price(t.price, c.currency, d.percent) into v_price
    from public.products as p
    join public.product_prices as c on c.product_key = p.key and c.currency = v_currency
    cross join private.find_discount(p_user_id) as d
    cross join lateral private.course_terms(p_user_id, p.key, c.currency, c.amount) as t
   where p.key = p_product_key and p.is_active and p.kind <> 'balance' and t.reason is null;
  if v_price is null then
    return null;
  end if;
  v_data := format('bal!:%s:%s:t%s', p_product_key, trim_scale(v_price), p_order_id);
  if octet_length(v_data) > 64 or (select u.balance < v_price from public.users as u where u.id = p_user_id) then
    v_data := format('bal:%s', p_product_key);
  end if;
  return jsonb_build_object(
    'values', jsonb_build_object(
      'wanted', private.product_titles(p_product_key),
      'price', jsonb_build_object('amount', v_price, 'currency', v_currency)
    ),
    'buttons', jsonb_build_array(jsonb_build_array(jsonb_build_object('key', 'balance_buy', 'data', v_data)))
  );
end
$$;

revoke all on function private.offer_after_top_up from public, anon, authenticated, service_role;
comment on function private.offer_after_top_up is 'Offers the product for which a top-up was made';
