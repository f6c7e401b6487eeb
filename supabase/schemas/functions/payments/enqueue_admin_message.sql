-- Enqueues a message about a payment for the admins, with a button that opens it: for all of them, or the one with
-- p_admin_email. The bot that sold the order is preferred (private.notify_admins).
--
-- Concurrency: every call enqueues the message again; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.enqueue_admin_message(
  p_payment public.payments, p_key text, p_values jsonb, p_admin_email text default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.notify_admins(
    p_key,
    jsonb_build_object(
      'payment', p_payment.id,
      'provider', jsonb_build_object('provider', p_payment.provider),
      'number', p_payment.provider_payment_id,
      'money', jsonb_build_object('amount', p_payment.amount, 'currency', p_payment.currency)
    ) || p_values,
    jsonb_build_array(
      jsonb_build_array(
        jsonb_build_object('key', 'admin_button_payment', 'data', format('admin:payment:%s:new', p_payment.id))
      )
    ),
    (select o.bot from public.orders as o where o.id = p_payment.order_id),
    p_admin_email
  );
end
$$;

revoke all on function private.enqueue_admin_message from public, anon, authenticated, service_role;
comment on function private.enqueue_admin_message is 'Enqueues a message about a payment for the admins';
