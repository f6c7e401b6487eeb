-- Tells the admins about a subscription at a provider that somebody may have to look at.
--
-- Twice or at once: every call owes the messages; the caller asks once for each subscription.
-- Returns: see private.notify_admins.
-- Errors: none.
create or replace function private.alarm_subscription_problem(p_provider text, p_subscription_id text, p_problem text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.notify_admins(
    'subscription_alarm_' || p_problem,
    jsonb_build_object(
      'provider', jsonb_build_object('provider', p_provider), 'number', p_subscription_id
    )
  );
end
$$;

revoke all on function private.alarm_subscription_problem from public, anon, authenticated, service_role;
comment on function private.alarm_subscription_problem is 'Tells the admins about a subscription at a provider';
