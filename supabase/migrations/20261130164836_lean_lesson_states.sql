-- Reading which lessons are open no longer reads their content.

-- Only functions that this migration replaces call it.
-- squawk-ignore ban-drop-function
drop function private.lesson_states(p_user_id bigint, p_course public.courses);

-- Orders the tiers of courses: a tier opens its own lessons and those of all lower tiers.
--
-- Concurrency: computes only. In PL/pgSQL, which evaluates it five times as fast.
-- Locks: none.
-- Returns: integer: 1 basic, 2 accelerator, 3 vip; 0 without a tier.
-- Errors: none.
create or replace function private.tier_rank(p_tier text)
returns integer
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(array_position(array['basic', 'accelerator', 'vip'], p_tier), 0);
end
$$;

revoke all on function private.tier_rank from public, anon, authenticated, service_role;
comment on function private.tier_rank is 'Orders the tiers of courses';

-- Returns the lessons of a course, and whether each is open to a user; with p_lesson_id only that one. An unpublished lesson is
-- there for admins and the author only.
--
-- A lesson opens when the learner begins (at the day of the cohort, of the enrollment, or of the first visit with a plan), at
-- midnight of the learner's time zone some days later, or at a date. What was open stays open when the time zone or the schedule
-- changes, and what was completed also when the lesson moves to a higher tier.
--
-- Concurrency: read-only. Without the content of the lessons, which is large and would be read for each report of a player.
-- Locks: none.
-- Returns: table (lesson_id bigint, place bigint, is_published boolean, is_required boolean, rank integer, is_completed boolean,
--   state text, opens_at timestamptz); place is the number in the course, from 1 (with p_lesson_id always 1), rank that of the tier;
--   state is open, scheduled (opens_at says when), upgrade (it needs a higher tier) or no_access.
-- Errors: none.
create or replace function private.lesson_states(
  p_user_id bigint, p_course public.courses, p_lesson_id bigint default null
)
returns table (
  lesson_id bigint, place bigint, is_published boolean, is_required boolean, rank integer, is_completed boolean, state text,
  opens_at timestamptz
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with seen as materialized (
    select a.is_staff, private.tier_rank(a.tier) as rank, private.clock() as now, private.reminder_time_zone(p_user_id) as zone
      from private.course_access(p_user_id, p_course) as a
  ), begins as materialized (
    select private.tier_rank(e.tier) as rank, greatest(e.enrolled_at, c.starts_at) as begins_at
      from public.enrollments as e
      left join public.cohorts as c on c.id = e.cohort_id
     where e.user_id = p_user_id
       and e.course_id = p_course.id
       and e.withdrawn_at is null
       and coalesce(e.expires_at > (select s.now from seen as s), true)
    union all
    select private.tier_rank(p_course.plan_tier), coalesce(p.started_at, (select s.now from seen as s))
      from public.users as u
      left join public.course_progress as p on p.user_id = u.id and p.course_id = p_course.id
     where u.id = p_user_id and u.is_paid and p_course.plan_tier is not null
  ), listed as (
    select
      l.id, l.is_published, l.is_required, l.is_preview, l.release, l.release_days, l.release_at, r.rank,
      row_number() over (order by l.position, l.id) as place
      from public.lessons as l
      cross join lateral (select private.tier_rank(l.tier) as rank) as r
     where l.course_id = p_course.id
       and (p_lesson_id is null or l.id = p_lesson_id)
       and (l.is_published or (select s.is_staff from seen as s))
  )
  select
    l.id,
    l.place,
    l.is_published,
    l.is_required,
    l.rank,
    coalesce(p.completed, false),
    case
      when s.is_staff or l.is_preview then 'open'
      when s.rank = 0 then 'no_access'
      when p.completed then 'open'
      when l.rank > s.rank then 'upgrade'
      when p.opened_at is not null or o.opens_at <= s.now then 'open'
      else 'scheduled'
    end,
    o.opens_at
    from seen as s
    cross join listed as l
    left join public.lesson_progress as p on p.user_id = p_user_id and p.lesson_id = l.id
    left join lateral (
      select min(b.begins_at) as begins_at from begins as b where b.rank >= l.rank
    ) as b on true
    left join lateral (
      select greatest(
          b.begins_at,
          case l.release
            when 'days' then ((b.begins_at at time zone s.zone)::date + l.release_days)::timestamp at time zone s.zone
            when 'date' then l.release_at
          end
        ) as opens_at
    ) as o on true
   order by l.place;
$$;

revoke all on function private.lesson_states from public, anon, authenticated, service_role;
comment on function private.lesson_states is 'Which lessons of a course are open to a user';

-- Returns a course with a user's access and progress. p_user_id null: a visitor.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   slug: text
--   is_published: boolean
--   texts: { [text]: { title: text, summary?: text, description?: text } }   (by language)
--   learners: int | null                       (null: not shown)
--   is_staff: boolean                          (an admin or the author)
--   tier: 'basic' | 'accelerator' | 'vip' | null   (the highest that the user has; null: none)
--   expires_at: timestamptz | null             (end of access to that tier; null: without an end)
--   lessons: int                               (of the user's tier, of all tiers without one)
--   completed_lessons: int
--   percent: int                               (of the required lessons of that tier)
--   seconds: int                               (duration of the videos)
--   completed_at: timestamptz | null
--   continue_with: text | null                 (the lesson to go on with: where the user stopped, else the next open one)
--   wants_reminders: boolean
--   certificate: { code: text, name: text, issued_at: timestamptz } | null
-- Errors: none.
create or replace function private.course_card(p_user_id bigint, p_course public.courses)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_access record;
  v_progress public.course_progress;
  v_counts record;
  v_continue text;
begin
  select a.* into v_access from private.course_access(p_user_id, p_course) as a;
  select p.* into v_progress
    from public.course_progress as p
   where p.user_id = p_user_id and p.course_id = p_course.id;
  select
    count(*) as lessons,
    count(*) filter (where s.is_completed) as completed,
    count(*) filter (where s.is_required) as required,
    count(*) filter (where s.is_required and s.is_completed) as required_completed,
    coalesce(sum(l.duration_seconds), 0) as seconds
    into v_counts
    from private.lesson_states(p_user_id, p_course) as s
    join public.lessons as l on l.id = s.lesson_id
   where s.is_published and (v_access.tier is null or s.rank <= private.tier_rank(v_access.tier));
  if p_user_id is not null then
    select l.slug into v_continue
      from private.lesson_states(p_user_id, p_course) as s
      join public.lessons as l on l.id = s.lesson_id
      left join public.lessons as last on last.id = v_progress.last_lesson_id
     where s.state = 'open' and not s.is_completed
     -- The lesson that was open last, then those after it, then those before it.
     order by (l.position, l.id) < (last.position, last.id) is true, s.place
     limit 1;
  end if;
  return jsonb_build_object(
    'id', p_course.id,
    'slug', p_course.slug,
    'is_published', p_course.is_published,
    'texts', p_course.texts,
    'learners', case when p_course.shows_learner_count then private.count_learners(p_course.id) end,
    'is_staff', v_access.is_staff,
    'tier', v_access.tier,
    'expires_at', v_access.expires_at,
    'lessons', v_counts.lessons,
    'completed_lessons', v_counts.completed,
    'percent', case
      when v_progress.completed_at is not null then 100
      else coalesce(v_counts.required_completed * 100 / nullif(v_counts.required, 0), 0)
    end,
    'seconds', v_counts.seconds,
    'completed_at', v_progress.completed_at,
    'continue_with', v_continue,
    'wants_reminders', coalesce(v_progress.wants_reminders, true),
    'certificate', (
      select jsonb_build_object('code', c.code, 'name', c.name, 'issued_at', c.issued_at)
        from public.course_certificates as c
       where c.user_id = p_user_id and c.course_id = p_course.id and c.withdrawn_at is null
    )
  );
end
$$;

revoke all on function private.course_card from public, anon, authenticated, service_role;
comment on function private.course_card is 'A course with a users access and progress';

-- Returns a lesson in the list of its course, without its content.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   slug: text
--   titles: { [text]: text }                   (by language)
--   tier: 'basic' | 'accelerator' | 'vip'
--   is_published: boolean
--   is_preview: boolean
--   is_required: boolean
--   duration_seconds: int | null
--   state: 'open' | 'scheduled' | 'upgrade' | 'no_access'
--   opens_at: timestamptz | null               (scheduled: when; null: without an enrollment nothing is scheduled)
--   completion: 'watched' | 'quiz' | 'button' | 'opened'   (what completes it)
--   watch_percent: int                         (watched: how much of the video)
--   has_quiz: boolean
--   has_homework: boolean
--   completed_at: timestamptz | null
--   watched_percent: int | null                (null: the lesson has no duration)
-- Errors: none.
create or replace function private.lesson_card(
  p_lesson public.lessons, p_progress public.lesson_progress, p_state text, p_opens_at timestamptz
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'id', p_lesson.id,
    'slug', p_lesson.slug,
    'titles', private.text_titles(p_lesson.texts),
    'tier', p_lesson.tier,
    'is_published', p_lesson.is_published,
    'is_preview', p_lesson.is_preview,
    'is_required', p_lesson.is_required,
    'duration_seconds', p_lesson.duration_seconds,
    'state', p_state,
    'opens_at', p_opens_at,
    'completion', p_lesson.completion,
    'watch_percent', p_lesson.watch_percent,
    'has_quiz', p_lesson.quiz is not null,
    'has_homework', p_lesson.homework is not null,
    'completed_at', p_progress.completed_at,
    'watched_percent', least(coalesce(p_progress.watched_seconds, 0) * 100 / p_lesson.duration_seconds, 100)
  );
end
$$;

revoke all on function private.lesson_card from public, anon, authenticated, service_role;
comment on function private.lesson_card is 'A lesson in the list of its course';

-- Returns what a learner sees after a step in a lesson. p_settled: of private.settle_lesson.
--
-- Concurrency: read-only; the caller holds the progress.
-- Locks: none.
-- Returns: jsonb
--   position_seconds: int
--   watched_seconds: int
--   watched_percent: int | null                (null: the lesson has no duration)
--   time_spent_seconds: int
--   ...private.settle_lesson
--   next: { slug: text, state: 'open' | 'scheduled' | 'upgrade' | 'no_access', opens_at: timestamptz | null } | null
--                                              (the next lesson; null: this is the last one)
-- Errors: none.
create or replace function private.lesson_result(p_user_id bigint, p_lesson public.lessons, p_settled jsonb)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_progress public.lesson_progress;
  v_next jsonb;
begin
  select p.* into v_progress
    from public.lesson_progress as p
   where p.user_id = p_user_id and p.lesson_id = p_lesson.id;
  select jsonb_build_object('slug', l.slug, 'state', s.state, 'opens_at', s.opens_at) into v_next
    from public.courses as c
    join public.lessons as l on l.course_id = c.id and (l.position, l.id) > (p_lesson.position, p_lesson.id)
    cross join lateral private.lesson_states(p_user_id, c, l.id) as s
   where c.id = p_lesson.course_id
   order by l.position, l.id
   limit 1;
  return jsonb_build_object(
    'position_seconds', coalesce(v_progress.position_seconds, 0),
    'watched_seconds', coalesce(v_progress.watched_seconds, 0),
    'watched_percent', least(coalesce(v_progress.watched_seconds, 0) * 100 / p_lesson.duration_seconds, 100),
    'time_spent_seconds', coalesce(v_progress.time_spent_seconds, 0),
    'next', v_next
  ) || p_settled;
end
$$;

revoke all on function private.lesson_result from public, anon, authenticated, service_role;
comment on function private.lesson_result is 'What a learner sees after a step in a lesson';

-- Finds a lesson if it is open to a user (private.lesson_states), and locks the user against erasure.
--
-- Concurrency: the user's lock makes an erasure wait or find everything that the caller stores.
-- Locks: user (KEY SHARE).
-- Returns: public.lessons, the row; null if there is no such lesson or user, or the lesson is not open to them.
-- Errors: none.
create or replace function private.open_lesson(p_user_id bigint, p_lesson_id bigint)
returns public.lessons
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lesson public.lessons;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if found then
    select l.* into v_lesson
      from public.lessons as l
      join public.courses as c on c.id = l.course_id
      cross join lateral private.lesson_states(p_user_id, c, l.id) as s
     where l.id = p_lesson_id and s.state = 'open';
  end if;
  return v_lesson;
end
$$;

revoke all on function private.open_lesson from public, anon, authenticated, service_role;
comment on function private.open_lesson is 'A lesson that is open to a user';

-- Returns a course with its lessons as a user sees them, and completes it if its last required lesson was taken away meanwhile.
-- p_user_id null: a visitor.
--
-- Concurrency: see private.settle_course.
-- Locks: user (KEY SHARE), then as private.settle_course.
-- Returns: jsonb
--   {
--     ...private.course_card
--     all_lessons: [ private.lesson_card ]
--     next_step: { [text]: text }              (by language, once the course is completed)
--     next_product_key: text | null            (once the course is completed)
--   } | null               (no such course)
-- Errors: none.
create or replace function public.read_course(p_user_id bigint, p_slug text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course public.courses;
  v_card jsonb;
  v_is_completed boolean;
begin
  select c.* into v_course
    from public.courses as c
    cross join lateral private.course_access(p_user_id, c) as a
   where c.slug = p_slug and (c.is_published or a.is_staff);
  if not found then
    return null;
  end if;
  perform from public.users as u where u.id = p_user_id for key share;
  perform private.settle_course(p_user_id, v_course);
  v_card := private.course_card(p_user_id, v_course);
  v_is_completed := v_card ->> 'completed_at' is not null;
  return v_card || jsonb_build_object(
    'all_lessons', (
      select coalesce(
          jsonb_agg(
            private.lesson_card(l, p, s.state, s.opens_at) order by s.place
          ),
          '[]'
        )
        from private.lesson_states(p_user_id, v_course) as s
        join public.lessons as l on l.id = s.lesson_id
        left join public.lesson_progress as p on p.user_id = p_user_id and p.lesson_id = l.id
    ),
    'next_step', case when v_is_completed then v_course.next_step else '{}' end,
    'next_product_key', case when v_is_completed then v_course.next_product_key end
  );
end
$$;

revoke all on function public.read_course from public, anon, authenticated, service_role;
grant execute on function public.read_course to bot_backend;
comment on function public.read_course is 'A course with its lessons as a user sees them';

-- Returns a lesson as a user sees it: all of it if it is open to them (private.lesson_states), else what the list of the course
-- shows. An open lesson is noted as the one where the user is, and completed if opening it is its rule.
--
-- Concurrency: see private.lock_progress and private.settle_lesson.
-- Locks: user (KEY SHARE), progress in the lesson (FOR UPDATE), then as private.settle_lesson.
-- Returns: jsonb
--   {
--     course: { id: bigint, slug: text, titles: { [text]: text }, tier: 'basic' | 'accelerator' | 'vip' | null }
--     lesson: private.lesson_card
--     previous: text | null                    (slug of the lesson before it)
--     content: {
--       texts: { [text]: { title: text, body?: text } }
--       video: { adapter: 'storage' | 'youtube' | 'kinescope', reference: text } | null
--       files: [ { name: text, reference: text, size?: int } ]
--       quiz: private.quiz_state
--       homework: private.homework_state
--     } | null             (null: not open)
--     progress: private.lesson_result | null   (null: not open, or a visitor)
--   } | null               (no such lesson)
-- Errors: none.
create or replace function public.read_lesson(p_user_id bigint, p_course_slug text, p_lesson_slug text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_course public.courses;
  v_access record;
  v_seen record;
  v_lesson public.lessons;
  v_progress public.lesson_progress;
  v_result jsonb;
begin
  select c.* into v_course from public.courses as c where c.slug = p_course_slug;
  select a.* into v_access from private.course_access(p_user_id, v_course) as a;
  select l.* into v_lesson from public.lessons as l where l.course_id = v_course.id and l.slug = p_lesson_slug;
  select s.state, s.opens_at into v_seen
    from private.lesson_states(p_user_id, v_course, v_lesson.id) as s
   where v_lesson.id is not null and (v_course.is_published or v_access.is_staff);
  if not found then
    return null;
  end if;
  perform from public.users as u where u.id = p_user_id for key share;
  if found and v_seen.state = 'open' then
    v_progress := private.lock_progress(p_user_id, v_lesson);
    v_result := private.lesson_result(p_user_id, v_lesson, private.settle_lesson(p_user_id, v_lesson, v_progress));
  end if;
  select p.* into v_progress
    from public.lesson_progress as p
   where p.user_id = p_user_id and p.lesson_id = v_lesson.id;
  return jsonb_build_object(
    'course', jsonb_build_object(
      'id', v_course.id, 'slug', v_course.slug, 'titles', private.text_titles(v_course.texts), 'tier', v_access.tier
    ),
    'lesson', private.lesson_card(v_lesson, v_progress, v_seen.state, v_seen.opens_at),
    'previous', (
      select l.slug
        from public.lessons as l
       where l.course_id = v_course.id
         and (l.position, l.id) < (v_lesson.position, v_lesson.id)
         and (l.is_published or v_access.is_staff)
       order by l.position desc, l.id desc
       limit 1
    ),
    'content', case when v_seen.state = 'open' then jsonb_build_object(
      'texts', v_lesson.texts,
      'video', v_lesson.video,
      'files', v_lesson.files,
      'quiz', private.quiz_state(p_user_id, v_lesson),
      'homework', private.homework_state(p_user_id, v_lesson, v_access.is_staff, v_access.tier)
    ) end,
    'progress', v_result
  );
end
$$;

revoke all on function public.read_lesson from public, anon, authenticated, service_role;
grant execute on function public.read_lesson to bot_backend;
comment on function public.read_lesson is 'A lesson as a user sees it';

-- Completes a course once the learner has completed all required lessons of their tier, and awards what it gives. It stays
-- completed when lessons are added later.
--
-- Concurrency: the row of the progress is locked before the lessons are read, so of two lessons that are completed at once the
--   second finds both. XP and badges are given once.
-- Locks: progress in the course (FOR UPDATE), then as private.award_learning.
-- Returns: jsonb
--   is_completed: boolean
--   is_new: boolean        (completed by this call)
--   ...private.award_learning   (given now)
-- Errors: none.
create or replace function private.settle_course(p_user_id bigint, p_course public.courses)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_progress public.course_progress;
  v_is_done boolean := false;
begin
  select p.* into v_progress
    from public.course_progress as p
   where p.user_id = p_user_id and p.course_id = p_course.id
     for update;
  if v_progress.user_id is not null and v_progress.completed_at is null then
    select coalesce(bool_and(s.is_completed), false) into v_is_done
      from private.course_access(p_user_id, p_course) as a
      cross join lateral private.lesson_states(p_user_id, p_course) as s
     where a.tier is not null and s.is_required and s.is_published and s.rank <= private.tier_rank(a.tier);
  end if;
  if v_is_done then
    update public.course_progress as p
       set completed_at = private.clock()
     where p.user_id = p_user_id and p.course_id = p_course.id;
  end if;
  return jsonb_build_object(
    'is_completed', v_is_done or v_progress.completed_at is not null,
    'is_new', v_is_done
  ) || case
    when v_is_done then private.award_learning(p_user_id, 'course_completed', format('course:%s', p_course.id))
    else '{"xp": 0, "new_level": null, "badges": []}'
  end;
end
$$;

revoke all on function private.settle_course from public, anon, authenticated, service_role;
comment on function private.settle_course is 'Completes a course once all its required lessons are';
