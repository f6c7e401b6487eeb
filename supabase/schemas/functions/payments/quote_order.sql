-- Computes the order that public.create_order inserts: the product's terms and current price, the user's discount, and the
-- expiry. An order that renews or tops up the balance has no discount. A higher tier of a course costs the difference to what
-- was paid for lower ones (private.course_terms).
--
-- Concurrency: with p_reuse an advisory lock serializes the calls of one user. The discount is locked, so that it is bound to
--   one order at a time.
-- Locks: with p_reuse an advisory lock of the user's orders, then the discount.
-- Returns: public.orders, a row that is not stored yet; null if the product is not for sale: inactive, without a price in the
--   currency, or not sold from balance; or a tier of a course that the user has.
-- Errors: none.
create or replace function private.quote_order(
  p_user_id bigint, p_product_key text, p_provider text, p_currency text, p_renews boolean, p_reuse boolean
)
returns public.orders
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_product public.products;
  v_discount public.promocode_usages;
  v_quote public.orders;
begin
  select p.* into v_product from public.products as p where p.key = p_product_key and p.is_active;
  select c.amount into v_quote.full_amount
    from public.product_prices as c
   where c.product_key = v_product.key and c.currency = p_currency;
  if v_quote.full_amount is null
    or (p_provider = 'balance' and (v_product.kind = 'balance' or p_currency <> private.setting('balance_currency')))
  then
    return null;
  end if;
  if v_product.kind = 'course' then
    select t.terms, case when t.reason is null then t.price end into v_quote.course_terms, v_quote.full_amount
      from private.course_terms(p_user_id, v_product.key, p_currency, v_quote.full_amount) as t;
    if v_quote.full_amount is null then
      return null;
    end if;
  end if;
  v_quote.user_id := p_user_id;
  v_quote.product_key := v_product.key;
  v_quote.provider := p_provider;
  v_quote.currency := p_currency;
  v_quote.kind := v_product.kind;
  v_quote.plan := v_product.plan;
  v_quote.period := v_product.period;
  v_quote.quantity := v_product.quantity;
  v_quote.renews := p_renews and v_product.kind = 'subscription' and p_provider <> 'balance';
  v_quote.expires_at := private.clock() + make_interval(hours => private.setting('order_hours')::integer);
  if p_reuse then
    perform pg_advisory_xact_lock(hashtextextended(format('orders of %s', p_user_id), 0));
  end if;
  if not v_quote.renews and v_product.kind <> 'balance' then
    v_discount := private.lock_discount(p_user_id);
  end if;
  v_quote.amount := private.discounted_price(v_quote.full_amount, p_currency, v_discount.percent);
  if v_quote.amount < v_quote.full_amount then
    v_quote.promocode_id := v_discount.promocode_id;
    v_quote.expires_at := least(v_quote.expires_at, v_discount.expires_at);
  else
    v_quote.full_amount := null;
  end if;
  return v_quote;
end
$$;

revoke all on function private.quote_order from public, anon, authenticated, service_role;
comment on function private.quote_order is 'Computes an order at the current price';
