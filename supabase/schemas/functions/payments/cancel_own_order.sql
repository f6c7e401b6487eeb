-- Cancels an order at the request of its buyer. A payment that arrives for it later is still fulfilled.
--
-- Concurrency: the order's row is locked; canceling twice is canceling once.
-- Locks: order.
-- Returns: jsonb
--   outcome: 'canceled' | 'closed' | 'unknown'   (closed: paid or under review)
--   outgoing?: outgoing                       (canceled: edits of its messages, to deliver now)
--   ...?private.closed_checkout               (closed)
-- Errors: none.
create or replace function public.cancel_own_order(p_user_id bigint, p_order_id bigint)
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
  select o.* into v_order
    from public.orders as o
   where o.id = p_order_id and o.user_id = p_user_id and o.renewal_id is null
     for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  v_closed := private.closed_checkout(v_order);
  if v_closed is not null then
    return v_closed;
  end if;
  update public.orders as o set status = 'canceled' where o.id = p_order_id and o.status = 'pending';
  return jsonb_build_object('outcome', 'canceled', 'outgoing', private.edit_invitation(p_order_id));
end
$$;

revoke all on function public.cancel_own_order from public, anon, authenticated, service_role;
grant execute on function public.cancel_own_order to bot_backend;
comment on function public.cancel_own_order is 'Cancels an order at the request of its buyer';
