-- Alerts the admins about a payment that they must review. p_problem is the payment's problem, or dispute.
--
-- Concurrency: every call enqueues the messages; the caller calls once per problem of a payment.
-- Locks: none.
-- Returns: jsonb, see private.enqueue_admin_message.
-- Errors: none.
create or replace function private.alarm_payment_problem(p_payment public.payments, p_problem text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.enqueue_admin_message(p_payment, 'payment_alarm_' || p_problem, '{}'::jsonb);
end
$$;

revoke all on function private.alarm_payment_problem from public, anon, authenticated, service_role;
comment on function private.alarm_payment_problem is 'Alerts the admins about a payment that they must review';
