-- Gives up the open orders of a renewal; late money is honoured all the same.
--
-- Twice or at once: the caller holds the renewal's row, others lock the order before it: so an order that somebody holds is
--   passed over.
-- Returns: nothing.
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
comment on function private.cancel_renewal_orders is 'Gives up the open orders of a renewal';
