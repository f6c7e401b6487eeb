-- Tells a learner which lessons of a course opened since p_since and were not opened by them, between 10 and 20 o'clock of their time
-- zone. p_is_wanted false: only looks.
--
-- Concurrency: the caller locks the row that says when to look, and moves it ahead by the result.
-- Locks: none.
-- Returns: (checked_at, next_at, outgoing): until when lessons were announced, null outside of these hours; when to look next, at most
--   a day later, because schedules change.
-- Errors: none.
create or replace function private.announce_lessons(
  p_user_id bigint, p_course public.courses, p_since timestamptz, p_is_wanted boolean,
  out checked_at timestamptz, out next_at timestamptz, out outgoing jsonb
)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_zone constant text := private.reminder_time_zone(p_user_id);
  v_user public.users;
  v_opened record;
begin
  outgoing := '[]'::jsonb;
  if extract(hour from v_now at time zone v_zone) not between 10 and 19 then
    next_at := private.next_local_hour(10, v_zone, v_now);
    return;
  end if;
  select
    count(*) filter (where s.is_new) as lessons,
    (array_agg(s.lesson_id order by s.place) filter (where s.is_new))[1] as first_id,
    min(s.opens_at) filter (where s.state = 'scheduled') as next_at
    into v_opened
    from (
      select s.*, s.state = 'open' and s.opens_at > p_since and s.opens_at <= v_now and p.user_id is null as is_new
        from private.lesson_states(p_user_id, p_course) as s
        left join public.lesson_progress as p on p.user_id = p_user_id and p.lesson_id = s.lesson_id
       where s.is_published
    ) as s;
  checked_at := v_now;
  next_at := least(v_opened.next_at, v_now + interval '1 day');
  select u.* into v_user from public.users as u where u.id = p_user_id;
  if v_opened.lessons = 0 or not p_is_wanted or not p_course.is_published or v_user.banned_at is not null or not v_user.is_active
  then
    return;
  end if;
  outgoing := private.enqueue_user_message(
    p_user_id,
    private.reachable_bot(p_user_id, v_user.telegram_id, null),
    case when v_opened.lessons = 1 then 'lesson_released' else 'lessons_released' end,
    jsonb_build_object(
      'title', private.text_titles(p_course.texts),
      'lesson', (select private.text_titles(l.texts) from public.lessons as l where l.id = v_opened.first_id),
      'count', v_opened.lessons
    ),
    jsonb_build_array(
      jsonb_build_array(
        jsonb_build_object('key', 'course_continue', 'data', format('course:open:%s', p_course.id))
      ),
      jsonb_build_array(
        jsonb_build_object('key', 'course_reminders_off', 'data', format('course:quiet:%s', p_course.id))
      )
    )
  );
end
$$;

revoke all on function private.announce_lessons from public, anon, authenticated, service_role;
comment on function private.announce_lessons is 'Tells a learner which lessons of a course opened';
