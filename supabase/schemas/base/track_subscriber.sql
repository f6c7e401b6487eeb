-- Trigger of subscriptions that were bought: keeps subscribers equal to them (private.refresh_subscriber).
--
-- Concurrency: a function that changes a subscription has locked its user.
-- Locks: as private.refresh_subscriber.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.track_subscriber()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.refresh_subscriber(new.user_id);
  return null;
end
$$;

revoke all on function private.track_subscriber from public, anon, authenticated, service_role;
comment on function private.track_subscriber is 'Keeps subscribers equal to the subscriptions that were bought';
