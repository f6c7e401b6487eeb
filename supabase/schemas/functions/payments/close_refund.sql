-- Finds the refund request that an operation reported by the provider belongs to, and records that it is done or failed.
--
-- Concurrency: the caller holds the payment's lock and has stored the operation; a status that is recorded already changes
--   nothing. The answer to our own request names the refund. A webhook event is matched by the provider's id and, while that is
--   unknown, by the amount: the request was made before the operation arrived, and a payment has at most one open refund.
-- Locks: payment (held by the caller), refund.
-- Returns: jsonb, the messages to deliver now (outgoing).
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
comment on function private.close_refund is 'Records that a refund is done or failed';
