-- Returns when a day begins in the time zone of the setting quota_timezone.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: timestamptz
-- Errors: none.
create or replace function private.day_start(p_day date)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_day::timestamp at time zone private.setting('quota_timezone');
end
$$;

revoke all on function private.day_start from public, anon, authenticated, service_role;
comment on function private.day_start is 'Returns when a day begins';
