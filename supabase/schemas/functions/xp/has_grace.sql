-- Returns whether an activity now counts for yesterday: until 03:00 local time, if yesterday alone is missing, once a streak.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.has_grace(p_streak public.streaks, p_now timestamptz)
returns boolean
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today constant date := private.local_day(p_streak, p_now);
begin
  return p_streak.current > 0
    and not p_streak.grace_used
    and p_streak.paused_on is null
    and (p_now at time zone coalesce(p_streak.time_zone, private.setting('quota_timezone')))::time < '03:00'
    and private.missed_days(p_streak, v_today) = 1
    and private.missed_days(p_streak, v_today - 1) = 0;
end
$$;

revoke all on function private.has_grace from public, anon, authenticated, service_role;
comment on function private.has_grace is 'Returns whether an activity now counts for yesterday';
