-- Locks the discounts of orders until the transaction ends.
--
-- Concurrency: locks are taken in the order of the primary key, so that two calls cannot deadlock.
-- Locks: discounts by (promocode_id, user_id). Call it after locking the users and before locking the orders, the order in
--   which public.create_order locks.
-- Returns: void
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
comment on function private.lock_order_discounts is 'Locks the discounts of orders';
