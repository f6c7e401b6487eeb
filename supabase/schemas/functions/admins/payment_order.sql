-- Finds the order of a payment. While no money was received (an attempt was declined), it is the order that the
-- provider named.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: public.orders, the order; all columns null without one.
-- Errors: none.
create or replace function private.payment_order(p_payment public.payments)
returns public.orders
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select o
    from public.orders as o
   where o.id = coalesce(
     p_payment.order_id,
     case when p_payment.amount is null then (p_payment.claims ->> 'order_id')::bigint end
   )
     and o.provider = p_payment.provider;
$$;

revoke all on function private.payment_order from public, anon, authenticated, service_role;
comment on function private.payment_order is 'Finds the order of a payment';
