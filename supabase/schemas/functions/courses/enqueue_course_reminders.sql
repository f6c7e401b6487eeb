-- Reminds learners who have been away for three days, and once more after seven, at most p_limit; between 10 and 20 o'clock of
-- their time zone. Left out: those who switched reminders off, completed the course, have no access, are banned or blocked the
-- bot, and who have been away for more than two weeks. An active sequence of the event learner_idle that takes the learner reminds
-- instead of both (private.enter_rule).
--
-- Concurrency: the progress is locked, skipped by other runs, and counted in the transaction that enqueues its message.
-- Locks: progress in courses (FOR UPDATE SKIP LOCKED), by last_active_at, each followed by the user's run.
-- Returns: jsonb
--   checked: int           (fewer than p_limit: none is left)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_course_reminders(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_due record;
  v_bot text;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select p.user_id, c as course, u.telegram_id, u.banned_at is null and u.is_active as is_reachable
      from public.course_progress as p
      join public.courses as c on c.id = p.course_id
      join public.users as u on u.id = p.user_id
     where p.completed_at is null
       and p.wants_reminders
       and p.reminders < 2
       and p.last_active_at between v_now - interval '14 days' and v_now - interval '3 days'
       and (p.reminders = 0 or p.last_active_at <= v_now - interval '7 days')
       and extract(hour from v_now at time zone private.reminder_time_zone(p.user_id)) between 10 and 19
     order by p.last_active_at, p.user_id
     limit p_limit
       for update of p skip locked
  loop
    v_checked := v_checked + 1;
    update public.course_progress as p
       set reminders = case when p.last_active_at <= v_now - interval '7 days' then 2 else 1 end
     where p.user_id = v_due.user_id and p.course_id = (v_due.course).id;
    v_bot := case when v_due.is_reachable then private.reachable_bot(v_due.user_id, v_due.telegram_id, null) end;
    if v_bot is not null
      and (v_due.course).is_published
      and exists (select from private.course_access(v_due.user_id, v_due.course) as a where a.tier is not null)
    then
      if private.enter_rule(v_due.user_id, 'learner_idle') then
        update public.course_progress as p
           set reminders = 2
         where p.user_id = v_due.user_id and p.course_id = (v_due.course).id;
        continue;
      end if;
      v_outgoing := v_outgoing || private.enqueue_user_message(
        v_due.user_id,
        v_bot,
        'course_idle',
        jsonb_build_object('title', private.text_titles((v_due.course).texts)),
        jsonb_build_array(
          jsonb_build_array(
            jsonb_build_object('key', 'course_continue', 'data', format('course:open:%s', (v_due.course).id))
          ),
          jsonb_build_array(
            jsonb_build_object('key', 'course_reminders_off', 'data', format('course:quiet:%s', (v_due.course).id))
          )
        )
      );
    end if;
  end loop;
  return jsonb_build_object('checked', v_checked, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_course_reminders from public, anon, authenticated, service_role;
grant execute on function public.enqueue_course_reminders to bot_backend;
comment on function public.enqueue_course_reminders is 'Reminds idle learners of their course';
