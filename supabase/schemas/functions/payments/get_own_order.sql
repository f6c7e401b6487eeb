-- Describes an order and its state for the page of its buyer.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'found' | 'unknown'              (unknown: not the user's, or an order of a renewal; without the other keys)
--   state?: 'paid' | 'held' | 'refunded' | 'disputed' | 'withdrawn' | 'canceled' | 'expired' | null   (null: can be paid)
--   product_key?: text
--   created_at?: timestamptz
--   is_pending?: boolean                      (the provider reported that a payment is in progress)
--   is_failed?: boolean                       (an attempt to pay it failed)
--   payment_id?: bigint | null                (its last payment)
--   ...?private.order_details                 (found)
-- Errors: none.
create or replace function public.get_own_order(p_user_id bigint, p_order_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_state text;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = p_order_id and o.user_id = p_user_id and o.renewal_id is null;
  if not found then
    return '{"outcome": "unknown"}'::jsonb;
  end if;
  v_state := private.checkout_state(v_order);
  return private.order_details(v_order, 'found') || jsonb_build_object(
    'state', case when v_state = 'expired' and v_order.status = 'canceled' then 'canceled' else v_state end,
    'product_key', v_order.product_key,
    'created_at', v_order.created_at,
    'is_pending', 'pending' = any(v_order.notified),
    'is_failed', 'failed' = any(v_order.notified),
    'payment_id', (
      select max(p.id) from public.payments as p where p.order_id = v_order.id and p.user_id = p_user_id
    )
  );
end
$$;

revoke all on function public.get_own_order from public, anon, authenticated, service_role;
grant execute on function public.get_own_order to bot_backend;
comment on function public.get_own_order is 'Describes an order and its state for the page of its buyer';
