-- Sets the time zone of a user's days. It applies from the next midnight of the zone before on, or at once while no day has
-- counted, and changes at most once in 24 hours. It never breaks a streak. Reminders move to it at once.
--
-- Concurrency: the user's row is locked; before midnight the last call wins.
-- Locks: user (NO KEY UPDATE), streak, reminders.
-- Returns: jsonb
--   outcome: 'set'             (at once)
--     | 'scheduled'            (from the next midnight on)
--     | 'unchanged'            (it is the zone already)
--     | 'too_soon'             (it changed less than 24 hours ago)
--     | 'unknown_zone'         (no IANA name)
--   ...private.streak_state
-- Errors: Z0004, no such user.
create or replace function public.set_time_zone(p_user_id bigint, p_time_zone text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_streak public.streaks := private.lock_streak(p_user_id);
  v_zone constant text := private.known_time_zone(p_time_zone);
  v_present constant text := coalesce(v_streak.time_zone, private.setting('quota_timezone'));
  v_outcome text;
begin
  v_outcome := case
    when v_zone is null then 'unknown_zone'
    when v_zone = v_present then 'unchanged'
    when v_streak.last_day is null then 'set'
    when v_streak.zone_changed_at > v_now - interval '24 hours' then 'too_soon'
    else 'scheduled'
  end;
  if v_outcome in ('set', 'unchanged') then
    v_streak.time_zone := v_zone;
    v_streak.next_time_zone := null;
    v_streak.zone_changes_at := null;
  elsif v_outcome = 'scheduled' then
    v_streak.next_time_zone := v_zone;
    v_streak.zone_changes_at := (private.local_day(v_streak, v_now) + 1)::timestamp at time zone v_present;
  end if;
  perform private.store_streak(v_streak);
  if v_outcome <> 'too_soon' and v_outcome <> 'unknown_zone' then
    perform private.move_reminders(p_user_id, v_zone);
  end if;
  return private.streak_state(v_streak, v_now) || jsonb_build_object('outcome', v_outcome);
end
$$;

revoke all on function public.set_time_zone from public, anon, authenticated, service_role;
grant execute on function public.set_time_zone to bot_backend;
comment on function public.set_time_zone is 'Sets the time zone of a user''s days';
