-- Lessons that open are announced; set_course_reminders returns an object.

-- The table comes with the same release, so it is empty.
-- squawk-ignore-file ban-drop-function, require-concurrent-index-creation

-- unused since 20261121184811: no release has called it
drop function public.set_course_reminders(p_user_id bigint, p_course_id bigint, p_wants boolean);

-- Switches the reminders that an idle learner of a course gets on or off.
--
-- Concurrency: a repeated call changes nothing. The user's lock makes an erasure wait or find the row.
-- Locks: user (KEY SHARE), progress in the course.
-- Returns: jsonb
--   is_known: boolean      (false: no such user or course)
-- Errors: none.
create or replace function public.set_course_reminders(p_user_id bigint, p_course_id bigint, p_wants boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found or not exists (select from public.courses as c where c.id = p_course_id) then
    return '{"is_known": false}';
  end if;
  insert into public.course_progress (user_id, course_id, wants_reminders)
  values (p_user_id, p_course_id, p_wants)
  on conflict (user_id, course_id) do update set wants_reminders = excluded.wants_reminders;
  return '{"is_known": true}';
end
$$;

revoke all on function public.set_course_reminders from public, anon, authenticated, service_role;
grant execute on function public.set_course_reminders to bot_backend;
comment on function public.set_course_reminders is 'Switches reminders of a course on or off';

alter table public.enrollments add column next_release_at timestamp with time zone default '-infinity'::timestamp with time zone not null;

alter table public.enrollments add column releases_checked_at timestamp with time zone;

-- Tells learners which lessons opened since the last look at their enrollment, at most p_limit enrollments, between 10 and 20
-- o'clock of their time zone. Left out: lessons that the learner has opened, learners who switched reminders off, are banned or
-- blocked the bot, and enrollments beside one of a higher tier. An enrollment is looked at when its next lesson opens, at least
-- once a day, because schedules change.
--
-- Concurrency: the enrollment is locked, skipped by other runs, and moved ahead in the transaction that enqueues its message.
-- Locks: enrollments (FOR UPDATE SKIP LOCKED), by next_release_at.
-- Returns: jsonb
--   checked: int           (fewer than p_limit: none is left)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_lesson_releases(p_limit integer default 25)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_due record;
  v_opened record;
  v_zone text;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select e.id, e.user_id, c as course, coalesce(e.releases_checked_at, e.enrolled_at) as seen_until,
           u.telegram_id, u.banned_at is null and u.is_active and c.is_published as is_reachable,
           coalesce(p.wants_reminders, true) and not exists (
             select
               from public.enrollments as f
              where f.user_id = e.user_id
                and f.course_id = e.course_id
                and f.withdrawn_at is null
                and coalesce(f.expires_at > v_now, true)
                and private.tier_rank(f.tier) > private.tier_rank(e.tier)
           ) as is_wanted
      from public.enrollments as e
      join public.courses as c on c.id = e.course_id
      join public.users as u on u.id = e.user_id
      left join public.course_progress as p on p.user_id = e.user_id and p.course_id = e.course_id
     where e.next_release_at <= v_now and e.withdrawn_at is null
     order by e.next_release_at, e.id
     limit p_limit
       for update of e skip locked
  loop
    v_checked := v_checked + 1;
    v_zone := private.reminder_time_zone(v_due.user_id);
    if extract(hour from v_now at time zone v_zone) not between 10 and 19 then
      update public.enrollments as e
         set next_release_at = private.next_local_hour(10, v_zone, v_now)
       where e.id = v_due.id;
      continue;
    end if;
    select
      count(*) filter (where s.is_new) as lessons,
      (array_agg(s.lesson_id order by s.place) filter (where s.is_new))[1] as first_id,
      min(s.opens_at) filter (where s.state = 'scheduled') as next_at
      into v_opened
      from (
        select s.*, s.state = 'open' and s.opens_at > v_due.seen_until and s.opens_at <= v_now and p.user_id is null as is_new
          from private.lesson_states(v_due.user_id, v_due.course) as s
          left join public.lesson_progress as p on p.user_id = v_due.user_id and p.lesson_id = s.lesson_id
         where s.is_published
      ) as s;
    update public.enrollments as e
       set releases_checked_at = v_now,
           next_release_at = least(v_opened.next_at, v_now + interval '1 day')
     where e.id = v_due.id;
    if v_opened.lessons > 0 and v_due.is_reachable and v_due.is_wanted then
      v_outgoing := v_outgoing || private.enqueue_user_message(
        v_due.user_id,
        private.reachable_bot(v_due.user_id, v_due.telegram_id, null),
        case when v_opened.lessons = 1 then 'lesson_released' else 'lessons_released' end,
        jsonb_build_object(
          'title', private.text_titles((v_due.course).texts),
          'lesson', (select private.text_titles(l.texts) from public.lessons as l where l.id = v_opened.first_id),
          'count', v_opened.lessons
        ),
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

revoke all on function public.enqueue_lesson_releases from public, anon, authenticated, service_role;
grant execute on function public.enqueue_lesson_releases to bot_backend;
comment on function public.enqueue_lesson_releases is 'Tells learners which lessons opened';

CREATE INDEX enrollments_release_idx ON public.enrollments USING btree (next_release_at) WHERE (withdrawn_at IS NULL);

comment on column public.enrollments.next_release_at is 'When to look next for lessons that opened';

comment on column public.enrollments.releases_checked_at is 'Until when lessons that opened were announced; null: since enrolled_at';
