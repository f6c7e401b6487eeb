-- Stores the checkout of an order: its URL, the provider's id of it, and the message that invites to pay it.
--
-- Concurrency: one update of the order's row; the last call counts. A completed order keeps its checkout, and an order whose
--   buyer was erased in between gets none.
-- Locks: order.
-- Returns: void
-- Errors: none.
create or replace function public.save_checkout(
  p_order_id bigint, p_url text, p_reference text, p_message_id bigint default null
)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.orders as o
     set checkout_url = p_url,
         checkout_reference = nullif(p_reference, ''),
         message_ids = case
           when p_message_id is null then o.message_ids
           else array_append(array_remove(o.message_ids, p_message_id), p_message_id)
         end
   where o.id = p_order_id and o.status <> 'completed' and o.user_id is not null;
$$;

revoke all on function public.save_checkout from public, anon, authenticated, service_role;
grant execute on function public.save_checkout to bot_backend;
comment on function public.save_checkout is 'Stores the checkout of an order';
