-- Withdraws a user's unpaid orders whose discount is being bound to another order (p_except_order_id; null: one that does not
-- exist yet). A withdrawn order cannot be paid; a payment that arrives for it is held for review.
--
-- Concurrency: the caller holds the discount's lock, which recording a payment of one of these orders needs too.
-- Locks: the orders by id.
-- Returns: void
-- Errors: none.
create or replace function private.withdraw_orders(p_user_id bigint, p_promocode_id bigint, p_except_order_id bigint)
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
       and w.id is distinct from p_except_order_id
       and w.status in ('pending', 'canceled')
     order by w.id
       for update
  loop
    update public.orders as o set status = 'withdrawn' where o.id = v_order_id;
    perform private.edit_invitation(v_order_id);  -- delivered by the sweep
  end loop;
end
$$;

revoke all on function private.withdraw_orders from public, anon, authenticated, service_role;
comment on function private.withdraw_orders is 'Withdraws orders whose discount another order uses';
