-- Returns the day whose challenge is open, in the zone of the setting quota_timezone.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: date
-- Errors: none.
create or replace function private.quiz_day()
returns date
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (private.clock() at time zone private.setting('quota_timezone'))::date;
end
$$;

revoke all on function private.quiz_day from public, anon, authenticated, service_role;
comment on function private.quiz_day is 'The day whose challenge is open';
