-- Tells the admins about money that somebody must look at.
--
-- Twice or at once: the caller asks once for each trouble of a payment.
-- Returns: see private.tell_admins.
-- Errors: none.
create or replace function private.alarm_about(p_payment public.payments, p_trouble text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.tell_admins(p_payment, 'payment_alarm_' || p_trouble, '{}'::jsonb);
end
$$;

revoke all on function private.alarm_about from public, anon, authenticated, service_role;
comment on function private.alarm_about is 'Tells the admins about money that somebody must look at';
