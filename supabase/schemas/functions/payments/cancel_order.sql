-- Cancels an order whose provider refused to create a checkout: there is no way to pay it.
--
-- Concurrency: one update of the order's row. An order that has a checkout, or is not pending any more, does not change.
-- Locks: order.
-- Returns: void
-- Errors: none.
create or replace function public.cancel_order(p_order_id bigint)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.orders as o
     set status = 'canceled'
   where o.id = p_order_id and o.status = 'pending' and o.checkout_url is null;
$$;

revoke all on function public.cancel_order from public, anon, authenticated, service_role;
grant execute on function public.cancel_order to bot_backend;
comment on function public.cancel_order is 'Cancels an order whose provider refused to create a checkout';
