-- Records the outcome of a refund, also in the audit log, and sends it to the admin who requested the refund, if they were
-- shown that it was still unknown or if a recorded outcome changes. For a refund that we requested ourselves (admin_email
-- system: private.refund_orphaned_payment) all admins get a message, unless it is done.
--
-- Concurrency: the caller holds the payment and the refund and calls once per change of the status.
-- Locks: refund (held by the caller).
-- Returns: jsonb, see private.enqueue_admin_message; empty if no admin is to be notified.
-- Errors: none.
create or replace function private.decide_refund(
  p_payment public.payments, p_refund public.refunds, p_status text, p_operation_id text, p_error text
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.refunds as r
     set status = p_status,
         operation_id = coalesce(p_operation_id, r.operation_id),
         error = left(nullif(p_error, ''), 500),
         decided_at = private.clock()
   where r.id = p_refund.id;
  perform private.write_audit(
    p_refund.admin_email, 'refund_decided', p_payment.user_id, null,
    jsonb_build_object('refund', p_refund.id, 'payment', p_payment.id, 'status', p_refund.status),
    jsonb_build_object(
      'refund', p_refund.id, 'payment', p_payment.id, 'status', p_status, 'amount', p_refund.amount::text,
      'currency', p_payment.currency
    )
  );
  if (p_refund.admin_email = 'system' and p_status = 'done')
    or (p_refund.admin_email <> 'system' and not p_refund.is_awaited and p_refund.status = 'open')
  then
    return '[]'::jsonb;
  end if;
  return private.enqueue_admin_message(
    p_payment,
    'refund_result_' || p_status,
    jsonb_build_object('back', jsonb_build_object('amount', p_refund.amount, 'currency', p_payment.currency)),
    nullif(p_refund.admin_email, 'system')
  );
end
$$;

revoke all on function private.decide_refund from public, anon, authenticated, service_role;
comment on function private.decide_refund is 'Records the outcome of a refund';
