-- Returns the date of a moment in the time zone of a streak.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: date
-- Errors: none.
create or replace function private.local_day(p_streak public.streaks, p_at timestamptz)
returns date
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (p_at at time zone coalesce(p_streak.time_zone, private.setting('quota_timezone')))::date;
end
$$;

revoke all on function private.local_day from public, anon, authenticated, service_role;
comment on function private.local_day is 'Returns the date of a moment in the time zone of a streak';
