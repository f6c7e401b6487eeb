-- Pauses a user's streak from today on, or lets it go on. Days of a pause are neither missed nor counted.
--
-- Concurrency: the user's row is locked; a repetition changes nothing.
-- Locks: user (NO KEY UPDATE), streak.
-- Returns: jsonb
--   ...private.streak_state
-- Errors: Z0004, no such user.
create or replace function public.pause_streak(p_user_id bigint, p_paused boolean)
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
begin
  if not p_paused then
    v_streak := private.resumed_streak(v_streak, v_today);
  elsif v_streak.paused_on is null then
    v_streak.paused_on := v_today;
  end if;
  perform private.store_streak(v_streak);
  return private.streak_state(v_streak, v_now);
end
$$;

revoke all on function public.pause_streak from public, anon, authenticated, service_role;
grant execute on function public.pause_streak to bot_backend;
comment on function public.pause_streak is 'Pauses a user''s streak or lets it go on';
