-- Marks the discount of a fulfilled order as used, and withdraws the user's other orders that were made with it.
--
-- Concurrency: a discount is consumed once. The caller holds the discount (private.lock_payers), the order and the user.
-- Locks: discount (held by the caller), then the other orders by id.
-- Returns: void
-- Errors: none.
create or replace function private.consume_discount(p_order_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
begin
  select o.* into v_order from public.orders as o where o.id = p_order_id and o.promocode_id is not null;
  if not found then
    return;
  end if;
  update public.promocode_usages as u
     set consumed_at = private.clock()
   where u.promocode_id = v_order.promocode_id and u.user_id = v_order.user_id and u.consumed_at is null;
  perform private.withdraw_orders(v_order.user_id, v_order.promocode_id, v_order.id);
end
$$;

revoke all on function private.consume_discount from public, anon, authenticated, service_role;
comment on function private.consume_discount is 'Marks the discount of a fulfilled order as used';
