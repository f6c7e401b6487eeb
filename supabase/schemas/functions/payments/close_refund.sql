-- Finds the refund that an operation told by a provider is, and notes that it is done, or that it failed.
--
-- Twice or at once: the caller holds the payment's row and has kept the operation; what is noted already changes nothing.
--   Our own question names the refund. A callback is known by the provider's number, and while that is not known by
--   its amount: it came after the refund was asked for, and a payment has one open refund at a time.
-- Returns: jsonb array of the outbox items to deliver now.
-- Errors: none.
create or replace function private.close_refund(p_payment_id bigint, p_event jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments;
  v_refund public.refunds;
  v_operation public.payment_operations;
  v_status text;
begin
  select o.* into v_operation
    from public.payment_operations as o
   where o.payment_id = p_payment_id
     and o.kind in ('refund', 'refund_total')
     and o.operation_id = coalesce(p_event ->> 'operation_id', p_event ->> 'payment_id')
     and not private.has_other_currency(o);
  select r.* into v_refund
    from public.refunds as r
   where r.payment_id = p_payment_id
     and (
       r.id = (p_event ->> 'refund_id')::bigint
       or r.operation_id = v_operation.operation_id
       or (
         r.status in ('open', 'unknown')
         and r.operation_id is null
         and r.amount = v_operation.amount
         and r.created_at <= v_operation.created_at
       )
     )
   order by
     r.id = (p_event ->> 'refund_id')::bigint desc nulls last,
     r.operation_id = v_operation.operation_id desc nulls last,
     r.id desc
   limit 1
     for update;
  v_status := case when v_operation.is_undone then 'failed' else 'done' end;
  if v_refund.id is null or v_refund.status = v_status then
    return '[]'::jsonb;
  end if;
  select p.* into v_payment from public.payments as p where p.id = p_payment_id;
  return private.decide_refund(
    v_payment, v_refund, v_status, v_operation.operation_id, p_event ->> 'reason'
  );
end
$$;

revoke all on function private.close_refund from public, anon, authenticated, service_role;
comment on function private.close_refund is 'Notes that a refund is done, or that it failed';
