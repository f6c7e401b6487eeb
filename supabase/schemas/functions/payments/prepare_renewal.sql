-- Processes a renewal that is due: ends it, postpones it to the end of the plan that the user has from another source, or
-- starts a charge attempt (attempt_started_at).
--
-- Concurrency: the caller holds the renewal and its user, and no attempt is open.
-- Locks: renewal (held by the caller), then its unpaid orders (SKIP LOCKED) if it ends or is postponed.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.prepare_renewal(p_renewal public.renewals)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_outgoing jsonb := '[]'::jsonb;
  v_now timestamptz := private.clock();
  v_tries integer := 1 + jsonb_array_length(private.setting('renewal_retry_hours')::jsonb);
  v_paid_until timestamptz;
begin
  if p_renewal.status = 'canceled'
    or p_renewal.saved_method is null
    or exists (select from public.users as u where u.id = p_renewal.user_id and u.banned_at is not null)
    or private.is_last_charge_refunded(p_renewal)
  then
    return private.end_renewal(p_renewal, null);
  end if;
  select max(s.ends_at) into v_paid_until
    from public.subscriptions as s
   where s.user_id = p_renewal.user_id
     and s.plan = p_renewal.plan
     and s.status = 'active';
  if v_paid_until > v_now then
    perform private.cancel_renewal_orders(p_renewal.id);
    update public.renewals as r
       set status = 'active', attempts = 0, charged_until = v_paid_until, charge_at = v_paid_until
     where r.id = p_renewal.id;
  else
    -- No attempt within the grace period: the job did not run. The admins are alerted before the late charge.
    if p_renewal.attempts = 0 and p_renewal.charged_until < v_now - private.grace_period() then
      v_outgoing := private.alarm_missed_charge(p_renewal);
    end if;
    if p_renewal.attempts >= v_tries or p_renewal.charged_until < v_now - interval '30 days' then
      return v_outgoing || private.end_renewal(p_renewal, 'renewal_given_up');
    end if;
    update public.renewals as r set attempt_started_at = v_now where r.id = p_renewal.id;
  end if;
  return v_outgoing;
end
$$;

revoke all on function private.prepare_renewal from public, anon, authenticated, service_role;
comment on function private.prepare_renewal is 'Ends, postpones or starts to charge a renewal that is due';
