-- Returns a paused streak as it goes on: the days of the pause are neither missed nor counted. A streak that is not paused is
-- returned as it is.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: public.streaks
-- Errors: none.
create or replace function private.resumed_streak(p_streak public.streaks, p_today date)
returns public.streaks
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks := p_streak;
begin
  if p_streak.paused_on < p_today and p_streak.last_day is not null then
    v_streak.last_day := least(p_streak.last_day + (p_today - p_streak.paused_on), p_today - 1);
  end if;
  v_streak.paused_on := null;
  return v_streak;
end
$$;

revoke all on function private.resumed_streak from public, anon, authenticated, service_role;
comment on function private.resumed_streak is 'Returns a paused streak as it goes on';
