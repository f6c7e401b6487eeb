-- Adds a message that invites to pay an order. If the order can no longer be paid, the message is edited at once; the edit
-- waits in the outbox for the sweep.
--
-- Concurrency: the update locks the order's row; a message is stored once. The order of an erased buyer gets none.
-- Locks: order.
-- Returns: void
-- Errors: none.
create or replace function public.save_invitation(p_order_id bigint, p_message_id bigint)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.orders as o
     set message_ids = array_append(array_remove(o.message_ids, p_message_id), p_message_id), message_state = null
   where o.id = p_order_id and o.user_id is not null;
  select private.edit_invitation(p_order_id);
$$;

revoke all on function public.save_invitation from public, anon, authenticated, service_role;
grant execute on function public.save_invitation to bot_backend;
comment on function public.save_invitation is 'Adds a message that invites to pay an order';
