-- Withdraws the orders that are not paid and have a discount which another order has now: they may not be paid any more,
-- and money that comes for one is held.
--
-- Twice or at once: the caller holds the discount's row, and so does whoever records a payment of one of these orders.
-- Returns: nothing.
-- Errors: none.
create or replace function private.withdraw_orders(p_user_id bigint, p_promocode_id bigint, p_but_order_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order_id bigint;
begin
  for v_order_id in
    select w.id
      from public.orders as w
     where w.user_id = p_user_id
       and w.promocode_id = p_promocode_id
       and w.id is distinct from p_but_order_id
       and w.status in ('pending', 'canceled')
     order by w.id
       for update
  loop
    update public.orders as o set status = 'withdrawn' where o.id = v_order_id;
    perform private.edit_invitation(v_order_id);  -- the sweep sends it
  end loop;
end
$$;

revoke all on function private.withdraw_orders from public, anon, authenticated, service_role;
comment on function private.withdraw_orders is 'Withdraws orders whose discount another order has';
