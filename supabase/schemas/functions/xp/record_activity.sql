-- Counts a finished piece of work of a user for the streak, once a local day. A missed day costs a freeze if there are enough for
-- all missed days, else the streak begins anew. Every seventh day earns a freeze, two at most. An activity ends a pause.
--
-- Concurrency: the user's row is locked, so of several calls on a day one counts.
-- Locks: user (NO KEY UPDATE), streak.
-- Returns: jsonb
--   current: int
--   longest: int
--   freezes: int
--   is_new_day: boolean    (false: the day had counted)
--   froze: int             (freezes spent now for missed days)
-- Errors: Z0004, no such user.
create or replace function public.record_activity(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_streak public.streaks := private.lock_streak(p_user_id);
  v_today constant date := private.local_day(v_streak, v_now);
  v_day date := v_today;
  v_missed integer;
  v_froze integer := 0;
  v_is_new_day boolean;
begin
  v_streak := private.resumed_streak(v_streak, v_today);
  v_is_new_day := coalesce(v_streak.last_day < v_today, true);
  if v_is_new_day then
    v_missed := private.missed_days(v_streak, v_today);
    if private.has_grace(v_streak, v_now) then
      v_day := v_today - 1;
      v_streak.grace_used := true;
      v_streak.current := v_streak.current + 1;
    elsif v_missed <= v_streak.freezes then
      v_froze := v_missed;
      v_streak.freezes := v_streak.freezes - v_froze;
      v_streak.current := v_streak.current + 1;
    else
      v_streak.current := 1;
      v_streak.grace_used := false;
    end if;
    v_streak.last_day := v_day;
    v_streak.longest := greatest(v_streak.longest, v_streak.current);
    if v_streak.current % 7 = 0 then
      v_streak.freezes := least(v_streak.freezes + 1, 2);
    end if;
  end if;
  v_streak.last_bot := p_bot;
  perform private.store_streak(v_streak);
  return jsonb_build_object(
    'current', v_streak.current, 'longest', v_streak.longest, 'freezes', v_streak.freezes,
    'is_new_day', v_is_new_day, 'froze', v_froze
  );
end
$$;

revoke all on function public.record_activity from public, anon, authenticated, service_role;
grant execute on function public.record_activity to bot_backend;
comment on function public.record_activity is 'Counts a finished piece of work for the streak, once a local day';
