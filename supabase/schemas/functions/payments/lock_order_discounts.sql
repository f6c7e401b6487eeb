-- Holds the discounts of some orders until the transaction ends.
--
-- Twice or at once: after their people and before their orders are locked, like whoever makes an order with a discount.
-- Returns: nothing.
-- Errors: none.
create or replace function private.lock_order_discounts(p_order_ids bigint[])
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform
    from public.promocode_usages as u
   where (u.promocode_id, u.user_id) in (
     select o.promocode_id, o.user_id
       from public.orders as o
      where o.id = any(p_order_ids) and o.promocode_id is not null
   )
   order by u.promocode_id, u.user_id
     for update;
end
$$;

revoke all on function private.lock_order_discounts from public, anon, authenticated, service_role;
comment on function private.lock_order_discounts is 'Holds the discounts of some orders';
