-- Sends a reminder once more: p_seconds from now, or tomorrow at this time of the user's clock (null).
--
-- Concurrency: the row is locked; while it is still to come, another call changes nothing.
-- Locks: reminder.
-- Returns: jsonb
--   due_at: timestamptz | null     (null: it no longer exists)
--   time_zone: text
-- Errors: none.
create or replace function public.snooze_reminder(p_user_id bigint, p_id bigint, p_seconds integer default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_zone constant text := private.reminder_time_zone(p_user_id);
  v_next constant timestamp := date_trunc('minute', v_now at time zone v_zone) + interval '1 day';
  v_due timestamptz;
begin
  update public.reminders as r
     set sent_at = null,
         day = case when p_seconds is null then v_next::date end,
         time_of_day = case when p_seconds is null then v_next::time end,
         due_at = case when p_seconds is null then v_next at time zone v_zone else v_now + make_interval(secs => p_seconds) end
   where r.id = p_id and r.user_id = p_user_id and r.sent_at is not null
  returning r.due_at into v_due;
  if v_due is null then
    select r.due_at into v_due from public.reminders as r where r.id = p_id and r.user_id = p_user_id;
  end if;
  return jsonb_build_object('due_at', v_due, 'time_zone', v_zone);
end
$$;

revoke all on function public.snooze_reminder from public, anon, authenticated, service_role;
grant execute on function public.snooze_reminder to bot_backend;
comment on function public.snooze_reminder is 'Sends a reminder once more';
