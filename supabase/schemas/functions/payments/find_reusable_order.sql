-- Finds the buyer's newest open order that equals p_quote (private.quote_order): the same product, provider, price, discount
-- and terms in the same bot. An order whose payment failed once, or that expires within the hour, is not reused.
--
-- Concurrency: read-only. The caller holds an advisory lock of the user's orders, so that two devices find the same order.
-- Locks: none.
-- Returns: public.orders, the row; null if there is none.
-- Errors: none.
create or replace function private.find_reusable_order(p_quote public.orders)
returns public.orders
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select o.*
    from public.orders as o
   where o.user_id = p_quote.user_id
     and o.bot = p_quote.bot
     and o.product_key = p_quote.product_key
     and o.provider = p_quote.provider
     and o.currency = p_quote.currency
     and o.amount = p_quote.amount
     and o.renews = p_quote.renews
     and o.is_gift = p_quote.is_gift
     and o.contact is not distinct from p_quote.contact
     and o.next_product_key is not distinct from p_quote.next_product_key
     and o.promocode_id is not distinct from p_quote.promocode_id
     and o.course_terms is not distinct from p_quote.course_terms
     and o.renewal_id is null
     and o.status = 'pending'
     and 'failed' <> all(o.notified)
     and o.expires_at > (select private.clock()) + interval '1 hour'
     and private.checkout_state(o) is null
   order by o.id desc
   limit 1;
$$;

revoke all on function private.find_reusable_order from public, anon, authenticated, service_role;
comment on function private.find_reusable_order is 'Finds an open order that equals a quoted one';
