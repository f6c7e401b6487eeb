-- Executes the refund of a payment that was made from balance: credits the amount (reference refunds:<id>) and reverses the
-- fulfilment, like every provider's refund.
--
-- Concurrency: the caller holds the payment's lock and has just created the refund; the ledger's reference is unique.
-- Locks: as private.apply_payment_event (payment, held by the caller; order, users by id, refund).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: those of public.adjust_balance.
create or replace function private.refund_to_balance(p_payment public.payments, p_refund public.refunds)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := format('refunds:%s', p_refund.id);
  v_outgoing jsonb;
begin
  v_outgoing := private.apply_payment_event(
    'balance',
    jsonb_build_object(
      'kind', 'refunded', 'payment_id', p_payment.provider_payment_id, 'operation_id', v_reference,
      'amount', p_refund.amount, 'currency', p_payment.currency, 'refund_id', p_refund.id
    ),
    false
  );
  perform public.adjust_balance(
    (select u.telegram_id from public.users as u where u.id = p_payment.user_id),
    p_refund.amount,
    'refund',
    v_reference
  );
  return v_outgoing;
end
$$;

revoke all on function private.refund_to_balance from public, anon, authenticated, service_role;
comment on function private.refund_to_balance is 'Executes the refund of a payment made from balance';
