-- Trigger of subscribers: an erased user is a lost subscriber.
--
-- Concurrency: runs once, with the deletion.
-- Locks: none.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.count_lost_subscriber()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.subscription_events (day, kind, plan, currency, amount, subscribers)
  values (
    (private.clock() at time zone private.setting('quota_timezone'))::date, 'churned', old.plan, old.currency,
    -old.monthly_amount, -1
  );
  return null;
end
$$;

revoke all on function private.count_lost_subscriber from public, anon, authenticated, service_role;
comment on function private.count_lost_subscriber is 'Counts an erased user as a lost subscriber';
