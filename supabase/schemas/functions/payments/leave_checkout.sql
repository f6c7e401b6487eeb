-- Detaches the message that invites to pay an order, because its buyer goes back to the product's page in it. If the order is
-- paid or under review, the message stays attached and shows that.
--
-- Concurrency: the order's row is locked; a repeated call changes nothing.
-- Locks: order.
-- Returns: jsonb
--   outcome: 'left' | 'closed' | 'unknown'
--   product_key?: text     (left)
--   renews?: boolean       (left)
--   ...?private.closed_checkout               (closed)
-- Errors: none.
create or replace function public.leave_checkout(
  p_user_id bigint, p_order_id bigint, p_message_id bigint default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_closed jsonb;
begin
  select o.* into v_order from public.orders as o where o.id = p_order_id and o.user_id = p_user_id for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  v_closed := private.closed_checkout(v_order);
  if v_closed is not null then
    return v_closed;
  end if;
  update public.orders as o
     set message_ids = array_remove(o.message_ids, p_message_id)
   where o.id = p_order_id and p_message_id = any(o.message_ids);
  return jsonb_build_object('outcome', 'left', 'product_key', v_order.product_key, 'renews', v_order.renews);
end
$$;

revoke all on function public.leave_checkout from public, anon, authenticated, service_role;
grant execute on function public.leave_checkout to bot_backend;
comment on function public.leave_checkout is 'Detaches the message that invites to pay an order';
