-- Lessons that open are announced to users with a paid plan; what an upgrade costs less, by currency.

-- The table comes with the same release, so it is empty.
-- squawk-ignore-file require-concurrent-index-creation

alter table public.course_progress add column next_release_at timestamp with time zone default '1970-01-01 00:00:00+00'::timestamp with time zone;

alter table public.course_progress add column releases_checked_at timestamp with time zone;

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

-- Tells learners which lessons opened since the last look at their enrollment (private.announce_lessons), at most p_limit learners:
-- first those with an enrollment, then those who began a course that their paid plan opens. Left out: lessons that the learner has
-- opened, learners who switched reminders off, are banned or blocked the bot, and enrollments beside one of a higher tier. Without
-- a plan a learner is looked at again after the next visit, and what opened before it is no news.
--
-- Concurrency: the enrollment or progress is locked, skipped by other runs, and moved ahead in the transaction that enqueues its
--   message.
-- Locks: enrollments, then progress in courses (FOR UPDATE SKIP LOCKED), by next_release_at.
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
  v_done record;
  v_checked integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_due in
    select e.id, e.user_id, c as course, coalesce(e.releases_checked_at, e.enrolled_at) as seen_until,
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
      left join public.course_progress as p on p.user_id = e.user_id and p.course_id = e.course_id
     where e.next_release_at <= v_now and e.withdrawn_at is null
     order by e.next_release_at, e.id
     limit p_limit
       for update of e skip locked
  loop
    v_checked := v_checked + 1;
    select a.* into v_done from private.announce_lessons(v_due.user_id, v_due.course, v_due.seen_until, v_due.is_wanted) as a;
    update public.enrollments as e
       set releases_checked_at = coalesce(v_done.checked_at, e.releases_checked_at), next_release_at = v_done.next_at
     where e.id = v_due.id;
    v_outgoing := v_outgoing || v_done.outgoing;
  end loop;
  for v_due in
    select p.user_id, p.course_id, c as course, p.wants_reminders,
           coalesce(p.releases_checked_at, p.started_at) as seen_until,
           u.is_paid and c.plan_tier is not null and not exists (
             select
               from public.enrollments as e
              where e.user_id = p.user_id and e.course_id = p.course_id and e.withdrawn_at is null
           ) as is_by_plan
      from public.course_progress as p
      join public.courses as c on c.id = p.course_id
      join public.users as u on u.id = p.user_id
     where p.next_release_at <= v_now
     order by p.next_release_at, p.user_id
     limit p_limit - v_checked
       for update of p skip locked
  loop
    v_checked := v_checked + 1;
    if not v_due.is_by_plan then
      update public.course_progress as p
         set next_release_at = null
       where p.user_id = v_due.user_id and p.course_id = v_due.course_id;
      continue;
    end if;
    select a.* into v_done
      from private.announce_lessons(v_due.user_id, v_due.course, v_due.seen_until, v_due.wants_reminders) as a;
    update public.course_progress as p
       set releases_checked_at = coalesce(v_done.checked_at, p.releases_checked_at), next_release_at = v_done.next_at
     where p.user_id = v_due.user_id and p.course_id = v_due.course_id;
    v_outgoing := v_outgoing || v_done.outgoing;
  end loop;
  return jsonb_build_object('checked', v_checked, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.enqueue_lesson_releases from public, anon, authenticated, service_role;
grant execute on function public.enqueue_lesson_releases to bot_backend;
comment on function public.enqueue_lesson_releases is 'Tells learners which lessons opened';

-- Locks a learner's progress in a lesson, creates its rows if needed, and notes where the learner is.
--
-- Concurrency: calls of one learner for one lesson are serialized. The row of the course is written at most every five minutes.
-- Locks: progress in the lesson (FOR UPDATE), progress in the course.
-- Returns: public.lesson_progress, the row.
-- Errors: none.
create or replace function private.lock_progress(p_user_id bigint, p_lesson public.lessons)
returns public.lesson_progress
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_progress public.lesson_progress;
begin
  insert into public.lesson_progress (user_id, lesson_id)
  values (p_user_id, p_lesson.id)
  on conflict (user_id, lesson_id) do nothing;
  select p.* into v_progress
    from public.lesson_progress as p
   where p.user_id = p_user_id and p.lesson_id = p_lesson.id
     for update;
  insert into public.course_progress as p (user_id, course_id, last_lesson_id)
  values (p_user_id, p_lesson.course_id, p_lesson.id)
  on conflict (user_id, course_id) do update
    set last_lesson_id = excluded.last_lesson_id,
        last_active_at = v_now,
        reminders = 0,
        releases_checked_at = case when p.next_release_at is null then v_now else p.releases_checked_at end,
        next_release_at = coalesce(p.next_release_at, v_now + interval '1 day')
    where p.last_lesson_id is distinct from excluded.last_lesson_id
       or p.last_active_at < v_now - interval '5 minutes'
       or p.reminders > 0;
  return v_progress;
end
$$;

revoke all on function private.lock_progress from public, anon, authenticated, service_role;
comment on function private.lock_progress is 'Locks a learners progress in a lesson';

-- Returns what a user has paid for lower tiers of the course that a product sells, by currency: what an upgrade costs less in this
-- currency, and in no other (private.course_credits).
--
-- Concurrency: read-only. The order computes the price again.
-- Locks: none.
-- Returns: jsonb
--   { [text]: numeric }    (by currency; empty for a product that is no upgrade)
-- Errors: none.
create or replace function public.upgrade_credits(p_user_id bigint, p_product_key text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(p.currency, c.amount::text), '{}')
    from public.course_offers as f
    cross join lateral (
      select distinct g.currency
        from public.enrollments as e
        join public.enrollment_grants as g on g.enrollment_id = e.id
       where e.user_id = p_user_id and e.course_id = f.course_id and g.currency is not null
    ) as p
    cross join lateral private.course_credits(p_user_id, f.course_id, f.tier, p.currency) as c
   where f.product_key = p_product_key and c.amount > 0;
$$;

revoke all on function public.upgrade_credits from public, anon, authenticated, service_role;
grant execute on function public.upgrade_credits to bot_backend;
comment on function public.upgrade_credits is 'What an upgrade of a course costs less, by currency';

CREATE INDEX course_progress_release_idx ON public.course_progress USING btree (next_release_at) WHERE (next_release_at IS NOT NULL);

comment on column public.course_progress.next_release_at is 'With a paid plan: when to look next for lessons that opened; null: after the next visit';

comment on column public.course_progress.releases_checked_at is 'With a paid plan: until when lessons that opened were announced; null: since started_at';
