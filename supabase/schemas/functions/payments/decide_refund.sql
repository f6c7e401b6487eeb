-- Notes how a refund ended, in the audit too, and tells the admin who asked for it and was left waiting. All admins are told
-- when one did not succeed that nobody asked for (admin_email is system: private.refund_orphaned_payment).
--
-- Twice or at once: the caller holds the payment's row and the refund's, and asks once for each change.
-- Returns: see private.enqueue_user_message.
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
    'refund_told_' || p_status,
    jsonb_build_object('back', jsonb_build_object('amount', p_refund.amount, 'currency', p_payment.currency)),
    nullif(p_refund.admin_email, 'system')
  );
end
$$;

revoke all on function private.decide_refund from public, anon, authenticated, service_role;
comment on function private.decide_refund is 'Notes how a refund ended';
