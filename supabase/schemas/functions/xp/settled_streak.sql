-- Returns a streak with a change of the time zone applied that is due. To the west, the day that has just ended goes on: it
-- counts once. To the east, the day that begins is shorter: missing it breaks nothing; where a date is skipped, the days before
-- it move along.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: public.streaks
-- Errors: none.
create or replace function private.settled_streak(p_streak public.streaks, p_now timestamptz)
returns public.streaks
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks := p_streak;
  v_old date;
  v_new date;
begin
  if coalesce(p_streak.zone_changes_at > p_now, true) then
    return p_streak;
  end if;
  v_old := private.local_day(p_streak, p_streak.zone_changes_at);
  v_streak.time_zone := p_streak.next_time_zone;
  v_streak.next_time_zone := null;
  v_streak.zone_changes_at := null;
  v_streak.zone_changed_at := p_streak.zone_changes_at;
  v_new := private.local_day(v_streak, p_streak.zone_changes_at);
  if v_new > v_old then
    v_streak.last_day := p_streak.last_day + (v_new - v_old);
    v_streak.paused_on := p_streak.paused_on + (v_new - v_old);
  else
    v_streak.last_day := case when p_streak.last_day is not null then least(p_streak.last_day, v_new) end;
    v_streak.paused_on := case when p_streak.paused_on is not null then least(p_streak.paused_on, v_new) end;
  end if;
  if v_new = v_old then
    v_streak.excused_on := v_new;
  end if;
  return v_streak;
end
$$;

revoke all on function private.settled_streak from public, anon, authenticated, service_role;
comment on function private.settled_streak is 'Returns a streak with a due change of the time zone applied';
