-- Returns the day to which figures of the messenger belong now.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: date, in the time zone of the setting quota_timezone.
-- Errors: none.
create or replace function private.messenger_day()
returns date
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select (private.clock() at time zone private.setting('quota_timezone'))::date;
$$;

revoke all on function private.messenger_day from public, anon, authenticated, service_role;
comment on function private.messenger_day is 'Returns the day to which figures of the messenger belong now';
