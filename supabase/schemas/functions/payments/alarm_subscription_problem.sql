-- Alerts the admins about a subscription at a provider that they may have to review. p_problem: erased (it began after its user
-- was erased), running (the provider does not cancel it) or unknown (no user has it).
--
-- Concurrency: every call enqueues the messages; the caller calls once per subscription and problem.
-- Locks: none.
-- Returns: jsonb, see private.notify_admins.
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
comment on function private.alarm_subscription_problem is 'Alerts the admins about a subscription at a provider';
