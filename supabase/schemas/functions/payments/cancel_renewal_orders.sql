-- Cancels the pending orders of a renewal. A payment that arrives for one later is still fulfilled.
--
-- Concurrency: the caller holds the renewal. Payments lock the order before the renewal, so waiting for an order here could
--   deadlock: locked orders are skipped. A skipped order is being paid, or expires.
-- Locks: orders (FOR UPDATE SKIP LOCKED).
-- Returns: void
-- Errors: none.
create or replace function private.cancel_renewal_orders(p_renewal_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.orders as o
     set status = 'canceled'
    from (
      select w.id
        from public.orders as w
       where w.renewal_id = p_renewal_id and w.status = 'pending'
         for update skip locked
    ) as w
   where o.id = w.id;
$$;

revoke all on function private.cancel_renewal_orders from public, anon, authenticated, service_role;
comment on function private.cancel_renewal_orders is 'Cancels the pending orders of a renewal';
