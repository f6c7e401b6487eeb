-- Alerts the admins about refunds and disputes in another currency than their payment: they are excluded from the sums and
-- reverse nothing.
--
-- Concurrency: the caller holds the payment's lock and calls once per new operation. The charge itself (kind paid), with which
--   the payment's currency becomes known, reports the operations that arrived before it.
-- Locks: none.
-- Returns: jsonb, see private.enqueue_admin_message.
-- Errors: none.
create or replace function private.alarm_refund_currency(p_payment_id bigint, p_event jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments;
  v_operation public.payment_operations;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select p.* into v_payment from public.payments as p where p.id = p_payment_id;
  for v_operation in
    select o.*
      from public.payment_operations as o
     where o.payment_id = p_payment_id
       and (
         p_event ->> 'kind' = 'paid'
         or o.operation_id = coalesce(p_event ->> 'operation_id', p_event ->> 'payment_id')
       )
       and v_payment.currency is not null
       and private.has_other_currency(o)
     order by o.kind, o.operation_id
  loop
    v_outgoing := v_outgoing || private.enqueue_admin_message(
      v_payment,
      'payment_alarm_refund_currency',
      jsonb_build_object(
        'back', jsonb_build_object('amount', v_operation.amount, 'currency', v_operation.currency)
      )
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.alarm_refund_currency from public, anon, authenticated, service_role;
comment on function private.alarm_refund_currency is 'Alerts the admins about refunds and disputes in another currency';
