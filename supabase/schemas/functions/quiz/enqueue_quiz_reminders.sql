-- Enqueues the reminders of the day's challenge that are due, at most p_limit, and sets each one's next moment. Left out: users
-- who have started today's challenge, were reminded of it, are banned or blocked the bot; reminders that are three hours late;
-- those of users whose time zone changed, if it is another hour there now.
--
-- Concurrency: a reminder is locked, skipped by other runs, and moved ahead in the transaction that enqueues it.
-- Locks: reminders (FOR UPDATE SKIP LOCKED), by next_at.
-- Returns: jsonb
--   checked: int           (fewer than p_limit: none is left)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_quiz_reminders(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_today constant date := private.quiz_day();
  v_due record;
  v_zone text;
  v_is_sent boolean;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select m.*, u.is_active and u.banned_at is null as is_reachable
      from public.quiz_reminders as m
      join public.users as u on u.id = m.user_id
     where m.next_at <= v_now
     order by m.next_at, m.user_id
     limit p_limit
       for update of m skip locked
  loop
    v_checked := v_checked + 1;
    v_zone := private.quiz_time_zone(v_due.user_id);
    v_is_sent := v_due.is_reachable
      and v_due.next_at > v_now - interval '3 hours'
      and v_due.reminded_on is distinct from v_today
      and (v_zone = v_due.time_zone or extract(hour from v_now at time zone v_zone) = v_due.hour)
      and not exists (
        select
          from public.quiz_runs as r
         where r.user_id = v_due.user_id and r.bot = v_due.bot and r.day = v_today and r.kind = 'daily'
      );
    if v_is_sent then
      v_outgoing := v_outgoing || private.enqueue_user_message(
        v_due.user_id, v_due.bot, 'quiz_reminder', '{}',
        '[[{"key": "quiz_challenge_start", "data": "daily:start"}], [{"key": "quiz_remind_off", "data": "daily:off"}]]'
      );
    end if;
    update public.quiz_reminders as m
       set next_at = private.next_local_hour(m.hour, v_zone, v_now),
           time_zone = v_zone,
           reminded_on = case when v_is_sent then v_today else m.reminded_on end
     where m.user_id = v_due.user_id and m.bot = v_due.bot;
  end loop;
  return jsonb_build_object('checked', v_checked, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_quiz_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_quiz_reminders to bot_backend;
comment on function public.enqueue_quiz_reminders is 'Enqueues due reminders of the day''s challenge';
