-- Stores a streak that private.lock_streak returned, with its changes.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the user's row of streaks.
-- Returns: void
-- Errors: none.
create or replace function private.store_streak(p_streak public.streaks)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.streaks as s
     set time_zone = p_streak.time_zone,
         next_time_zone = p_streak.next_time_zone,
         zone_changes_at = p_streak.zone_changes_at,
         zone_changed_at = p_streak.zone_changed_at,
         current = p_streak.current,
         longest = p_streak.longest,
         last_day = p_streak.last_day,
         last_bot = p_streak.last_bot,
         freezes = p_streak.freezes,
         grace_used = p_streak.grace_used,
         excused_on = p_streak.excused_on,
         paused_on = p_streak.paused_on
   where s.user_id = p_streak.user_id and s is distinct from p_streak;
$$;

revoke all on function private.store_streak from public, anon, authenticated, service_role;
comment on function private.store_streak is 'Stores a streak with its changes';
