-- Returns a streak as the user sees it at a moment.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   current: int           (0: missed days broke it)
--   longest: int
--   freezes: int           (without those that missed days will cost)
--   missed: int            (missed days that freezes cover)
--   is_today: boolean      (today has counted)
--   is_paused: boolean
--   time_zone: text
--   next_time_zone: text | null   (from the next midnight on)
-- Errors: none.
create or replace function private.streak_state(p_streak public.streaks, p_now timestamptz)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak constant public.streaks := private.settled_streak(p_streak, p_now);
  v_today constant date := private.local_day(v_streak, p_now);
  v_missed integer := private.missed_days(v_streak, v_today);
  v_is_broken boolean;
begin
  if private.has_grace(v_streak, p_now) then
    v_missed := 0;
  end if;
  v_is_broken := v_missed > coalesce(v_streak.freezes, 0);
  return jsonb_build_object(
    'current', case when v_is_broken then 0 else coalesce(v_streak.current, 0) end,
    'longest', coalesce(v_streak.longest, 0),
    'freezes', coalesce(v_streak.freezes, 0) - case when v_is_broken then 0 else v_missed end,
    'missed', case when v_is_broken then 0 else v_missed end,
    'is_today', coalesce(v_streak.last_day >= v_today, false),
    'is_paused', v_streak.paused_on is not null,
    'time_zone', coalesce(v_streak.time_zone, private.setting('quota_timezone')),
    'next_time_zone', v_streak.next_time_zone
  );
end
$$;

revoke all on function private.streak_state from public, anon, authenticated, service_role;
comment on function private.streak_state is 'Returns a streak as the user sees it at a moment';
