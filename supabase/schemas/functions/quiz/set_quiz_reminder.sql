-- Switches the reminder of the day's challenge on, at an hour of the user's day, or off.
--
-- p_hour: 0 to 23; null switches it off.
--
-- Concurrency: the last call counts.
-- Locks: user (KEY SHARE), the reminder.
-- Returns: jsonb
--   hour: int | null
--   next_at: timestamptz | null
--   time_zone: text
-- Errors: Z0004 no such user.
create or replace function public.set_quiz_reminder(p_user_id bigint, p_bot text, p_hour integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_zone text;
  v_next timestamptz;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  v_zone := private.quiz_time_zone(p_user_id);
  if p_hour is null then
    delete from public.quiz_reminders as m where m.user_id = p_user_id and m.bot = p_bot;
  else
    v_next := private.next_local_hour(p_hour, v_zone, private.clock());
    insert into public.quiz_reminders (user_id, bot, hour, time_zone, next_at)
    values (p_user_id, p_bot, p_hour, v_zone, v_next)
    on conflict (user_id, bot) do update
      set hour = excluded.hour, time_zone = excluded.time_zone, next_at = excluded.next_at;
  end if;
  return jsonb_build_object('hour', p_hour, 'next_at', v_next, 'time_zone', v_zone);
end
$$;

revoke all on function public.set_quiz_reminder from public, anon, authenticated, service_role;
grant execute on function public.set_quiz_reminder to bot_backend;
comment on function public.set_quiz_reminder is 'Switches the reminder of the day''s challenge on or off';
