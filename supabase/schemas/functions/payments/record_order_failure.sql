-- Records what happened to an order before any money arrived: a payment is pending or an attempt failed (the buyer gets one
-- message for each), or the checkout was canceled (the order is canceled). A failed or canceled attempt of an order that we
-- made for a period of a renewal goes to private.decline_charge; that order stays open for the next attempt.
--
-- Concurrency: the order's row is locked and orders.notified keeps each message to one. A completed order does not change.
-- Locks: order, then its renewal (private.decline_charge).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.record_order_failure(p_provider text, p_event jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text := p_event ->> 'kind';
  v_order public.orders;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = (p_event ->> 'order_id')::bigint and o.provider = p_provider
     for update;
  if not found or v_order.status = 'completed' then
    return '[]'::jsonb;
  elsif v_order.renewal_id is not null then
    if v_kind not in ('failed', 'canceled') then
      return '[]'::jsonb;  -- pending: our own charge attempt, which the buyer does not see
    end if;
    return private.decline_charge(
      v_order,
      v_kind = 'canceled' or coalesce((p_event ->> 'is_final')::boolean, false),
      p_event ->> 'reason' = 'contact_refused'
    );
  elsif v_order.status <> 'pending' then
    return '[]'::jsonb;
  elsif v_kind = 'canceled' then
    update public.orders as o set status = 'canceled' where o.id = v_order.id;
    return private.edit_invitation(v_order.id);
  elsif v_kind not in ('pending', 'failed') or v_kind = any(v_order.notified) then
    return '[]'::jsonb;
  end if;
  update public.orders as o set notified = o.notified || v_kind where o.id = v_order.id;
  return private.enqueue_user_message(
    v_order.user_id,
    v_order.bot,
    'payment_' || v_kind,
    jsonb_build_object('title', private.product_titles(v_order.product_key))
  );
end
$$;

revoke all on function private.record_order_failure from public, anon, authenticated, service_role;
comment on function private.record_order_failure is 'Records a pending, failed or canceled attempt to pay an order';
