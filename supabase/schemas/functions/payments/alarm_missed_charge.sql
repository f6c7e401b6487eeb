-- Alerts the admins that a period of a renewal was not charged in time: our job did not run, or the provider did not charge (or
-- its webhook event was lost and its statement does not list the charge).
--
-- Concurrency: the caller holds the renewal's lock. renewals.alarmed_period keeps it to one alarm per period.
-- Locks: renewal (held by the caller).
-- Returns: jsonb, the messages to deliver now (see private.notify_admins); empty if the admins know.
-- Errors: none.
create or replace function private.alarm_missed_charge(p_renewal public.renewals)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.renewals as r
     set alarmed_period = r.charged_until
   where r.id = p_renewal.id and r.alarmed_period is distinct from r.charged_until;
  if not found then
    return '[]'::jsonb;
  end if;
  return private.alarm_admins(
    'renewal_alarm_missed',
    jsonb_build_object(
      'provider', jsonb_build_object('provider', p_renewal.provider),
      'number', p_renewal.provider_subscription_id,
      'money', jsonb_build_object('amount', p_renewal.amount, 'currency', p_renewal.currency),
      'until', jsonb_build_object('date', p_renewal.charged_until)
    ),
    (select max(p.id) from public.payments as p where p.user_id = p_renewal.user_id and p.provider = p_renewal.provider)
  );
end
$$;

revoke all on function private.alarm_missed_charge from public, anon, authenticated, service_role;
comment on function private.alarm_missed_charge is 'Alerts the admins that a period of a renewal was not charged in time';
