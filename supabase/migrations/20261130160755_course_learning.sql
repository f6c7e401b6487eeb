-- Course learning.

alter table public.lesson_progress add column credited_until timestamp with time zone;

-- Returns what a user may see of a course: admins and the author everything, others the highest tier that they have by an
-- enrollment or by their paid plan (courses.plan_tier).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: (is_staff, tier, expires_at), tier null: none; expires_at null: without an end.
-- Errors: none.
create or replace function private.course_access(
  p_user_id bigint, p_course public.courses, out is_staff boolean, out tier text, out expires_at timestamptz
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce((select u.is_admin or u.id = p_course.author_id from public.users as u where u.id = p_user_id), false),
    t.tier,
    t.expires_at
    from (select) as one
    left join lateral (
      select a.tier, a.expires_at
        from (
          select e.tier, e.expires_at
            from public.enrollments as e
           where e.user_id = p_user_id
             and e.course_id = p_course.id
             and e.withdrawn_at is null
             and coalesce(e.expires_at > (select private.clock()), true)
          union all
          select p_course.plan_tier, null
            from public.users as u
           where u.id = p_user_id and u.is_paid and p_course.plan_tier is not null
        ) as a
       order by private.tier_rank(a.tier) desc, a.expires_at desc nulls first
       limit 1
    ) as t on true;
$$;

revoke all on function private.course_access from public, anon, authenticated, service_role;
comment on function private.course_access is 'What a user may see of a course';

-- Returns the lessons of a course in their order, and whether each is open to a user. An unpublished lesson is there for admins
-- and the author only.
--
-- A lesson opens when the learner begins (at the day of the cohort, of the enrollment, or of the first visit with a plan), at
-- midnight of the learner's time zone some days later, or at a date. What was open stays open when the time zone or the schedule
-- changes, and what was completed also when the lesson moves to a higher tier.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (lesson public.lessons, progress public.lesson_progress, state text, opens_at timestamptz); state is open,
--   scheduled (opens_at says when), upgrade (it needs a higher tier) or no_access.
-- Errors: none.
create or replace function private.lesson_states(p_user_id bigint, p_course public.courses)
returns table (lesson public.lessons, progress public.lesson_progress, state text, opens_at timestamptz)
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
  )
  select
    l,
    p,
    case
      when s.is_staff or l.is_preview then 'open'
      when s.rank = 0 then 'no_access'
      when p.completed then 'open'
      when private.tier_rank(l.tier) > s.rank then 'upgrade'
      when p.opened_at is not null or o.opens_at <= s.now then 'open'
      else 'scheduled'
    end,
    o.opens_at
    from seen as s
    join public.lessons as l on l.course_id = p_course.id and (l.is_published or s.is_staff)
    left join public.lesson_progress as p on p.user_id = p_user_id and p.lesson_id = l.id
    left join lateral (
      select min(b.begins_at) as begins_at from begins as b where b.rank >= private.tier_rank(l.tier)
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
   order by l.position, l.id;
$$;

revoke all on function private.lesson_states from public, anon, authenticated, service_role;
comment on function private.lesson_states is 'Which lessons of a course are open to a user';

-- Returns the quiz of a lesson as a learner sees it: without the right answers and explanations, until the learner has passed or
-- has no attempt left.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     version: int
--     pass_percent: int
--     attempts_left: int | null                (null: no limit)
--     is_passed: boolean
--     best_right: int | null                   (null: no attempt yet)
--     questions: [ {
--       texts: { [text]: { question: text, options: [ text ], explanation?: text } }
--       is_multiple: boolean                   (several options are right)
--       correct?: [ int ]
--     } ]
--   } | null               (the lesson has none)
-- Errors: none.
create or replace function private.quiz_state(p_user_id bigint, p_lesson public.lessons)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempts integer;
  v_best integer;
  v_is_passed boolean;
  v_left integer;
  v_is_open boolean;
begin
  if p_lesson.quiz is null then
    return null;
  end if;
  select count(*), max(a.right_answers), coalesce(bool_or(a.is_passed), false) into v_attempts, v_best, v_is_passed
    from public.lesson_quiz_attempts as a
   where a.user_id = p_user_id and a.lesson_id = p_lesson.id;
  v_left := greatest((p_lesson.quiz ->> 'attempts')::integer - v_attempts, 0);
  v_is_open := v_is_passed or coalesce(v_left = 0, false);
  return jsonb_build_object(
    'version', p_lesson.version,
    'pass_percent', coalesce((p_lesson.quiz ->> 'pass_percent')::integer, 80),
    'attempts_left', v_left,
    'is_passed', v_is_passed,
    'best_right', v_best,
    'questions', (
      select jsonb_agg(
          jsonb_build_object(
            'texts', (
              select jsonb_object_agg(t.key, case when v_is_open then t.value else t.value - 'explanation' end)
                from jsonb_each(q.value -> 'texts') as t
            ),
            'is_multiple', jsonb_array_length(q.value -> 'correct') > 1
          ) || case when v_is_open then jsonb_build_object('correct', q.value -> 'correct') else '{}' end
          order by q.n
        )
        from jsonb_array_elements(p_lesson.quiz -> 'questions') with ordinality as q (value, n)
    )
  );
end
$$;

revoke all on function private.quiz_state from public, anon, authenticated, service_role;
comment on function private.quiz_state is 'The quiz of a lesson as a learner sees it';

-- Returns the homework of a lesson as a learner sees it, with their submissions, the newest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     texts: { [text]: text }                  (by language, Markdown)
--     tier: 'basic' | 'accelerator' | 'vip'    (the lowest whose homework is reviewed)
--     can_submit: boolean
--     submissions: [ {
--       id: bigint
--       n: int
--       text: text
--       file: text | null                      (key in the bucket media)
--       state: 'submitted' | 'returned' | 'accepted'
--       comment: text | null
--       created_at: timestamptz
--       reviewed_at: timestamptz | null
--     } ]
--   } | null               (the lesson has none)
-- Errors: none.
create or replace function private.homework_state(
  p_user_id bigint, p_lesson public.lessons, p_is_staff boolean, p_tier text
)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'texts', p_lesson.homework,
    'tier', p_lesson.homework_tier,
    'can_submit', p_user_id is not null
    and (p_is_staff or private.tier_rank(p_tier) >= private.tier_rank(p_lesson.homework_tier))
    and not exists (
      select
        from public.homework_submissions as h
       where h.user_id = p_user_id and h.lesson_id = p_lesson.id and h.state in ('submitted', 'accepted')
    ),
    'submissions', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', h.id, 'n', h.n, 'text', h.text, 'file', f.key, 'state', h.state, 'comment', h.comment,
              'created_at', h.created_at, 'reviewed_at', h.reviewed_at
            )
            order by h.n desc
          ),
          '[]'
        )
        from public.homework_submissions as h
        left join public.stored_files as f on f.id = h.file_id
       where h.user_id = p_user_id and h.lesson_id = p_lesson.id
    )
  )
  where p_lesson.homework is not null;
$$;

revoke all on function private.homework_state from public, anon, authenticated, service_role;
comment on function private.homework_state is 'The homework of a lesson as a learner sees it';

-- Returns the titles in texts of a course or lesson; languages without a title are left out.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb
--   { [text]: text }      (by language)
-- Errors: none.
create or replace function private.text_titles(p_texts jsonb)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(t.key, t.value -> 'title'), '{}')
    from jsonb_each(p_texts) as t
   where t.value ->> 'title' <> '';
$$;

revoke all on function private.text_titles from public, anon, authenticated, service_role;
comment on function private.text_titles is 'The titles in texts by language';

-- Checks a learner's answers to the quiz of a lesson and counts the attempt. The right answers are returned only once the learner
-- has passed or has no attempt left. p_answers: chosen options by question, from 0: [[0], [1, 2]]. p_version: version of the lesson
-- whose questions the learner saw.
--
-- Concurrency: attempts of one learner for one lesson are serialized, so the limit holds; a reference is one attempt.
-- Locks: user (KEY SHARE), progress in the lesson (FOR UPDATE), then as private.settle_lesson.
-- Returns: jsonb
--   outcome: 'passed' | 'failed'
--     | 'no_attempts'      (none left)
--     | 'changed'          (the questions are others now: show them again; no attempt is counted)
--     | 'no_access'        (the lesson is not open to the user, or has no quiz; without the other keys)
--   right?: int            (of the attempt; no_attempts, changed: 0)
--   quiz?: private.quiz_state
--   ...?private.lesson_result
-- Errors: W0002 the answers do not fit the questions, or the reference is empty.
create or replace function public.answer_lesson_quiz(
  p_user_id bigint, p_lesson_id bigint, p_answers jsonb, p_reference text, p_version integer
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lesson public.lessons := private.open_lesson(p_user_id, p_lesson_id);
  v_progress public.lesson_progress;
  v_attempt public.lesson_quiz_attempts;
  v_questions integer;
  v_right integer;
  v_outcome text;
begin
  if v_lesson.quiz is null then
    return jsonb_build_object('outcome', 'no_access');
  end if;
  v_progress := private.lock_progress(p_user_id, v_lesson);
  select a.* into v_attempt
    from public.lesson_quiz_attempts as a
   where a.user_id = p_user_id and a.reference = p_reference and a.lesson_id = p_lesson_id;
  if v_attempt.id is null then
    v_questions := jsonb_array_length(v_lesson.quiz -> 'questions');
    v_outcome := case
      when v_lesson.version <> p_version then 'changed'
      when (private.quiz_state(p_user_id, v_lesson) ->> 'attempts_left')::integer = 0 then 'no_attempts'
    end;
    if v_outcome is null then
      if coalesce(p_reference, '') = '' or length(p_reference) > 200
        or not private.are_answers(p_answers, v_questions)
      then
        raise exception 'the answers do not fit the questions' using errcode = 'W0002';
      end if;
      select count(*) into v_right
        from jsonb_array_elements(v_lesson.quiz -> 'questions') with ordinality as q (value, n)
        join jsonb_array_elements(p_answers) with ordinality as a (value, n) on a.n = q.n
       where (q.value -> 'correct') @> a.value and a.value @> (q.value -> 'correct');
      insert into public.lesson_quiz_attempts (
        user_id, lesson_id, lesson_version, answers, right_answers, questions, is_passed, reference
      )
      values (
        p_user_id, p_lesson_id, v_lesson.version, p_answers, v_right, v_questions,
        v_right * 100 >= coalesce((v_lesson.quiz ->> 'pass_percent')::integer, 80) * v_questions, p_reference
      )
      returning * into v_attempt;
    end if;
  end if;
  return jsonb_build_object(
    'outcome', coalesce(v_outcome, case when v_attempt.is_passed then 'passed' else 'failed' end),
    'right', coalesce(v_attempt.right_answers, 0),
    'quiz', private.quiz_state(p_user_id, v_lesson)
  ) || private.lesson_result(p_user_id, v_lesson, private.settle_lesson(p_user_id, v_lesson, v_progress));
end
$$;

revoke all on function public.answer_lesson_quiz from public, anon, authenticated, service_role;
grant execute on function public.answer_lesson_quiz to bot_backend;
comment on function public.answer_lesson_quiz is 'Checks a learners answers to the quiz of a lesson';

-- Returns whether JSON is answers to p_questions questions: for each a list of at most 20 numbers of options, from 0.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.are_answers(p_answers jsonb, p_questions integer)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_answer jsonb;
begin
  if jsonb_typeof(p_answers) is distinct from 'array' or jsonb_array_length(p_answers) <> p_questions then
    return false;
  end if;
  for v_answer in select a.value from jsonb_array_elements(p_answers) as a (value) loop
    if jsonb_typeof(v_answer) <> 'array' or jsonb_array_length(v_answer) > 20
      or exists (select from jsonb_array_elements(v_answer) as o (value) where o.value::text !~ '^[0-9]{1,2}$')
    then
      return false;
    end if;
  end loop;
  return true;
end
$$;

revoke all on function private.are_answers from public, anon, authenticated, service_role;
comment on function private.are_answers is 'Whether JSON is answers to some questions';

-- Awards XP and badges for a completed lesson or course, and counts the day for the streak.
--
-- Concurrency: see private.award_xp: a reference is given once.
-- Locks: user (NO KEY UPDATE), streak.
-- Returns: jsonb
--   xp: int
--   new_level: int | null  (the level that it reached)
--   badges: [ text ]
-- Errors: none.
create or replace function private.award_learning(p_user_id bigint, p_rule text, p_reference text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_award jsonb := private.award_xp(
    p_user_id, 'courses', p_rule, private.unused_reference(p_user_id, p_rule, p_reference)
  );
begin
  perform public.record_activity(p_user_id, 'courses');
  return jsonb_build_object(
    'xp', v_award -> 'points',
    'new_level', case when (v_award ->> 'leveled_up')::boolean then v_award -> 'new_level' end,
    'badges', private.award_due_badges(
      p_user_id,
      'courses',
      jsonb_build_object(
        'total_lessons', (
          select count(*) from public.lesson_progress as p where p.user_id = p_user_id and p.completed
        ),
        'total_courses', (
          select count(*) from public.course_progress as p where p.user_id = p_user_id and p.completed_at is not null
        )
      )
    )
  );
end
$$;

revoke all on function private.award_learning from public, anon, authenticated, service_role;
comment on function private.award_learning is 'Awards what a completed lesson or course gives';

-- Marks a lesson as done for a learner, where its rule is the button.
--
-- Concurrency: calls of one learner for one lesson are serialized; a repeated one changes nothing.
-- Locks: user (KEY SHARE), progress in the lesson (FOR UPDATE), then as private.settle_lesson.
-- Returns: jsonb
--   outcome: 'completed' | 'known'
--     | 'other_rule'       (the lesson is completed by watching, by its quiz or by opening it)
--     | 'no_access'        (the lesson is not open to the user; without the other keys)
--   ...?private.lesson_result
-- Errors: none.
create or replace function public.complete_lesson(p_user_id bigint, p_lesson_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lesson public.lessons := private.open_lesson(p_user_id, p_lesson_id);
  v_progress public.lesson_progress;
  v_settled jsonb;
begin
  if v_lesson.id is null then
    return jsonb_build_object('outcome', 'no_access');
  end if;
  v_progress := private.lock_progress(p_user_id, v_lesson);
  v_settled := private.settle_lesson(p_user_id, v_lesson, v_progress, v_lesson.completion = 'button');
  return jsonb_build_object(
    'outcome', case
      when v_progress.completed then 'known'
      when (v_settled ->> 'completed')::boolean then 'completed'
      else 'other_rule'
    end
  ) || private.lesson_result(p_user_id, v_lesson, v_settled);
end
$$;

revoke all on function public.complete_lesson from public, anon, authenticated, service_role;
grant execute on function public.complete_lesson to bot_backend;
comment on function public.complete_lesson is 'Marks a lesson as done';

-- Returns how many learners are or were enrolled in a course, without those whose enrollments were all withdrawn.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: bigint
-- Errors: none.
create or replace function private.count_learners(p_course_id bigint)
returns bigint
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(distinct e.user_id)
    from public.enrollments as e
   where e.course_id = p_course_id and e.withdrawn_at is null;
$$;

revoke all on function private.count_learners from public, anon, authenticated, service_role;
comment on function private.count_learners is 'How many learners a course has';

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
    count(*) filter (where (s.progress).completed) as completed,
    count(*) filter (where (s.lesson).is_required) as required,
    count(*) filter (where (s.lesson).is_required and (s.progress).completed) as required_completed,
    coalesce(sum((s.lesson).duration_seconds), 0) as seconds
    into v_counts
    from private.lesson_states(p_user_id, p_course) as s
   where (s.lesson).is_published
     and (v_access.tier is null or private.tier_rank((s.lesson).tier) <= private.tier_rank(v_access.tier));
  if p_user_id is not null then
    select (s.lesson).slug into v_continue
      from private.lesson_states(p_user_id, p_course) as s
      left join public.lessons as l on l.id = v_progress.last_lesson_id
     where s.state = 'open' and (s.progress).completed is not true
     -- The lesson that was open last, then those after it, then those before it.
     order by ((s.lesson).position, (s.lesson).id) < (l.position, l.id) is true, (s.lesson).position, (s.lesson).id
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

-- Returns the courses with a user's access and progress: first those that the user has, by their last activity, then the others
-- in the order of the catalogue. Unpublished courses are there for admins and their author. p_user_id null: a visitor.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ private.course_card ]
-- Errors: none.
create or replace function public.course_overview(p_user_id bigint default null)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(d.card order by d.card ->> 'tier' is null, p.last_active_at desc nulls last, c.position, c.id), '[]'
    )
    from public.courses as c
    left join public.course_progress as p on p.user_id = p_user_id and p.course_id = c.id
    cross join lateral private.course_card(p_user_id, c) as d (card)
   where c.is_published or (d.card ->> 'is_staff')::boolean;
$$;

revoke all on function public.course_overview from public, anon, authenticated, service_role;
grant execute on function public.course_overview to bot_backend;
comment on function public.course_overview is 'Courses with a users access and progress';

-- Returns whether what a learner did completes a lesson by its rule (lessons.completion). A button is no stored fact.
--
-- Concurrency: read-only; the caller holds the progress.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_lesson_done(p_lesson public.lessons, p_progress public.lesson_progress)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case p_lesson.completion
      when 'opened' then true
      when 'watched' then p_progress.watched_seconds * 100 >= p_lesson.watch_percent * p_lesson.duration_seconds
      when 'quiz' then exists (
        select
          from public.lesson_quiz_attempts as a
         where a.user_id = p_progress.user_id and a.lesson_id = p_lesson.id and a.is_passed
      )
      else false
    end;
$$;

revoke all on function private.is_lesson_done from public, anon, authenticated, service_role;
comment on function private.is_lesson_done is 'Whether what a learner did completes a lesson';

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
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
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
  select jsonb_build_object('slug', (s.lesson).slug, 'state', s.state, 'opens_at', s.opens_at) into v_next
    from public.courses as c
    cross join lateral private.lesson_states(p_user_id, c) as s
   where c.id = p_lesson.course_id and ((s.lesson).position, (s.lesson).id) > (p_lesson.position, p_lesson.id)
   order by (s.lesson).position, (s.lesson).id
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

-- Returns what a user can buy of a course: its products on sale, with the prices that the checkout asks for. A higher tier costs
-- the difference (private.course_terms). p_user_id null: a visitor.
--
-- Concurrency: read-only. The order computes the price again.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     product_key: text
--     tier: 'basic' | 'accelerator' | 'vip'
--     texts: product_texts
--     access_days: int | null                  (null: for life)
--     cohort: { key: text, starts_at: timestamptz, enrolls_until: timestamptz | null } | null
--     prices: { [text]: numeric }              (by currency; without currencies in which it is not for sale)
--     full_prices: { [text]: numeric }         (of a user who has nothing of the course)
--     reason: 'covered' | 'closed' | 'unpublished' | null   (why it has no price; null: for sale)
--   } ]                                        (by tier)
-- Errors: none.
create or replace function public.list_course_offers(p_user_id bigint, p_slug text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'product_key', p.key,
          'tier', f.tier,
          'texts', p.texts,
          'access_days', f.access_days,
          'cohort', case when h.id is not null then jsonb_build_object(
            'key', h.key, 'starts_at', h.starts_at, 'enrolls_until', h.enrolls_until
          ) end,
          'prices', coalesce(t.prices, '{}'),
          'full_prices', t.full_prices,
          'reason', case when t.prices is null then t.reason end
        )
        order by private.tier_rank(f.tier), p.position, p.key
      ),
      '[]'
    )
    from public.courses as c
    join public.course_offers as f on f.course_id = c.id
    join public.products as p on p.key = f.product_key and p.is_active
    left join public.cohorts as h on h.id = f.cohort_id
    join lateral (
      select
        jsonb_object_agg(r.currency, o.price::text) filter (where o.reason is null) as prices,
        jsonb_object_agg(r.currency, r.amount::text) as full_prices,
        min(o.reason) as reason
        from public.product_prices as r
        cross join lateral private.course_terms(p_user_id, p.key, r.currency, r.amount) as o
       where r.product_key = p.key
    ) as t on t.full_prices is not null
   where c.slug = p_slug;
$$;

revoke all on function public.list_course_offers from public, anon, authenticated, service_role;
grant execute on function public.list_course_offers to bot_backend;
comment on function public.list_course_offers is 'What a user can buy of a course';

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
    set last_lesson_id = excluded.last_lesson_id, last_active_at = v_now, reminders = 0
    where p.last_lesson_id is distinct from excluded.last_lesson_id
       or p.last_active_at < v_now - interval '5 minutes'
       or p.reminders > 0;
  return v_progress;
end
$$;

revoke all on function private.lock_progress from public, anon, authenticated, service_role;
comment on function private.lock_progress is 'Locks a learners progress in a lesson';

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
    select (s.lesson).* into v_lesson
      from public.lessons as l
      join public.courses as c on c.id = l.course_id
      cross join lateral private.lesson_states(p_user_id, c) as s
     where l.id = p_lesson_id and (s.lesson).id = l.id and s.state = 'open';
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
            private.lesson_card(s.lesson, s.progress, s.state, s.opens_at) order by (s.lesson).position, (s.lesson).id
          ),
          '[]'
        )
        from private.lesson_states(p_user_id, v_course) as s
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
  select s.lesson, s.progress, s.state, s.opens_at into v_seen
    from private.lesson_states(p_user_id, v_course) as s
   where (s.lesson).slug = p_lesson_slug and (v_course.is_published or v_access.is_staff);
  if not found then
    return null;
  end if;
  v_lesson := v_seen.lesson;
  v_progress := v_seen.progress;
  perform from public.users as u where u.id = p_user_id for key share;
  if found and v_seen.state = 'open' then
    v_progress := private.lock_progress(p_user_id, v_lesson);
    v_result := private.lesson_result(p_user_id, v_lesson, private.settle_lesson(p_user_id, v_lesson, v_progress));
    select p.* into v_progress
      from public.lesson_progress as p
     where p.user_id = p_user_id and p.lesson_id = v_lesson.id;
  end if;
  return jsonb_build_object(
    'course', jsonb_build_object(
      'id', v_course.id, 'slug', v_course.slug, 'titles', private.text_titles(v_course.texts), 'tier', v_access.tier
    ),
    'lesson', private.lesson_card(v_lesson, v_progress, v_seen.state, v_seen.opens_at),
    'previous', (
      select (s.lesson).slug
        from private.lesson_states(p_user_id, v_course) as s
       where ((s.lesson).position, (s.lesson).id) < (v_lesson.position, v_lesson.id)
       order by (s.lesson).position desc, (s.lesson).id desc
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

-- Credits seconds of a lesson's video that a learner watched: the player reports each 15 to 30 seconds what it has played since
-- its last report, p_from to p_to (seconds of the video), and where it is now.
--
-- Credited are at most twice the seconds since the last report and five more, and over all reports at most twice the time that
-- passed and five seconds; of a pause at most two minutes count. What was watched is a set of seconds, so skipping, watching again,
-- a second tab and reports of another computer add nothing. The time spent grows by at most the time that passed since the last
-- report in any lesson.
--
-- Concurrency: reports of one learner for one lesson are serialized; a repeated one adds nothing.
-- Locks: user (KEY SHARE), progress in the lesson (FOR UPDATE), then as private.settle_lesson.
-- Returns: jsonb
--   outcome: 'saved' | 'no_access'        (no_access: the lesson is not open to the user; without the other keys)
--   ...?private.lesson_result
-- Errors: none.
create or replace function public.record_watching(
  p_user_id bigint, p_lesson_id bigint, p_from integer, p_to integer, p_position integer, p_playback_id text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_pause constant interval := interval '2 minutes';
  v_lesson public.lessons := private.open_lesson(p_user_id, p_lesson_id);
  v_progress public.lesson_progress;
  v_end integer;
  v_last_beat_at timestamptz;
  v_credited_until timestamptz;
  v_seconds integer;
  v_spent integer;
  v_watched int4multirange;
begin
  if v_lesson.id is null then
    return jsonb_build_object('outcome', 'no_access');
  end if;
  v_progress := private.lock_progress(p_user_id, v_lesson);
  v_end := coalesce(v_lesson.duration_seconds, 86400);
  v_credited_until := greatest(coalesce(v_progress.credited_until, v_progress.opened_at), v_now - v_pause);
  v_last_beat_at := greatest(coalesce(v_progress.last_beat_at, v_progress.opened_at), v_now - v_pause);
  v_seconds := greatest(
    0,
    floor(
      least(
        least(p_to, v_end) - greatest(p_from, 0),
        extract(epoch from v_now - v_last_beat_at) * 2 + 5,
        extract(epoch from v_now - v_credited_until) * 2 + 5
      )
    )::integer
  );
  v_watched := v_progress.watched;
  if v_seconds > 0 then
    v_watched := v_watched + int4multirange(int4range(greatest(p_from, 0), greatest(p_from, 0) + v_seconds));
  end if;
  -- Whole seconds of the clock, so that what many reports round off adds up.
  select floor(extract(epoch from v_now))
      - floor(extract(epoch from greatest(max(p.last_beat_at), v_progress.opened_at, v_now - v_pause))) into v_spent
    from public.lesson_progress as p
   where p.user_id = p_user_id;
  update public.lesson_progress as p
     set watched = v_watched,
         watched_seconds = coalesce((select sum(upper(r) - lower(r)) from unnest(v_watched) as r), 0),
         time_spent_seconds = p.time_spent_seconds + greatest(0, least(v_spent, v_seconds * 2)),
         position_seconds = coalesce(least(greatest(p_position, 0), v_end), p.position_seconds),
         last_beat_at = greatest(p.last_beat_at, v_now),
         credited_until = v_credited_until + make_interval(secs => v_seconds / 2.0),
         playback_id = left(p_playback_id, 64)
   where p.user_id = p_user_id and p.lesson_id = v_lesson.id
  returning p.* into v_progress;
  return jsonb_build_object('outcome', 'saved')
    || private.lesson_result(p_user_id, v_lesson, private.settle_lesson(p_user_id, v_lesson, v_progress));
end
$$;

revoke all on function public.record_watching from public, anon, authenticated, service_role;
grant execute on function public.record_watching to bot_backend;
comment on function public.record_watching is 'Credits seconds of a video that a learner watched';

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
    select coalesce(bool_and((s.progress).completed is true), false) into v_is_done
      from private.course_access(p_user_id, p_course) as a
      cross join lateral private.lesson_states(p_user_id, p_course) as s
     where a.tier is not null
       and (s.lesson).is_required
       and (s.lesson).is_published
       and private.tier_rank((s.lesson).tier) <= private.tier_rank(a.tier);
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

-- Completes a lesson once its rule is met, or with p_is_done, then the course once all its lessons are. Awards what they give.
--
-- Concurrency: the caller holds the learner's progress in the lesson. A completed lesson stays completed.
-- Locks: progress in the lesson (held by the caller), then as private.settle_course.
-- Returns: jsonb
--   completed: boolean
--   is_new: boolean            (completed by this call)
--   course_completed: boolean
--   is_course_new: boolean     (completed by this call)
--   ...private.award_learning  (given now)
-- Errors: none.
create or replace function private.settle_lesson(
  p_user_id bigint, p_lesson public.lessons, p_progress public.lesson_progress, p_is_done boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_new constant boolean := not p_progress.completed and (p_is_done or private.is_lesson_done(p_lesson, p_progress));
  v_given jsonb := '{"xp": 0, "new_level": null, "badges": []}'::jsonb;
  v_course jsonb;
begin
  if v_is_new then
    update public.lesson_progress as p
       set completed = true, completed_at = private.clock()
     where p.user_id = p_user_id and p.lesson_id = p_lesson.id;
  end if;
  if v_is_new and p_lesson.is_published then
    -- The course first: it locks its progress before the user.
    select private.settle_course(p_user_id, c) into v_course from public.courses as c where c.id = p_lesson.course_id;
    v_given := private.award_learning(p_user_id, 'lesson_completed', format('lesson:%s', p_lesson.id));
  else
    v_course := jsonb_build_object(
      'is_completed', exists (
        select
          from public.course_progress as p
         where p.user_id = p_user_id and p.course_id = p_lesson.course_id and p.completed_at is not null
      ),
      'is_new', false, 'xp', 0, 'new_level', null, 'badges', '[]'::jsonb
    );
  end if;
  return jsonb_build_object(
    'completed', v_is_new or p_progress.completed,
    'is_new', v_is_new,
    'course_completed', v_course -> 'is_completed',
    'is_course_new', v_course -> 'is_new',
    'xp', (v_given ->> 'xp')::integer + (v_course ->> 'xp')::integer,
    'new_level', coalesce(nullif(v_given -> 'new_level', 'null'), v_course -> 'new_level'),
    'badges', (v_given -> 'badges') || (v_course -> 'badges')
  );
end
$$;

revoke all on function private.settle_lesson from public, anon, authenticated, service_role;
comment on function private.settle_lesson is 'Completes a lesson once its rule is met, and its course';

comment on column public.lesson_progress.credited_until is 'Up to when the time that passed is used up by credited seconds, two a second';

insert into public.badges ("bot", "badge", "condition") select "bot", "badge", "condition"
from jsonb_populate_record(null::public.badges, '{"bot": "courses", "badge": "first_course", "condition": {"all": [["total_courses", ">=", 1]]}}') on conflict do nothing;

insert into public.badges ("bot", "badge", "condition") select "bot", "badge", "condition"
from jsonb_populate_record(null::public.badges, '{"bot": "courses", "badge": "first_lesson", "condition": {"all": [["total_lessons", ">=", 1]]}}') on conflict do nothing;

insert into public.xp_rules ("bot", "rule", "points", "is_once", "daily_cap", "has_periods", "daily_percent") select "bot", "rule", "points", "is_once", "daily_cap", "has_periods", "daily_percent"
from jsonb_populate_record(null::public.xp_rules, '{"bot": "courses", "rule": "course_completed", "points": 100, "is_once": false, "daily_cap": null, "has_periods": true, "daily_percent": null}') on conflict do nothing;

insert into public.xp_rules ("bot", "rule", "points", "is_once", "daily_cap", "has_periods", "daily_percent") select "bot", "rule", "points", "is_once", "daily_cap", "has_periods", "daily_percent"
from jsonb_populate_record(null::public.xp_rules, '{"bot": "courses", "rule": "lesson_completed", "points": 10, "is_once": false, "daily_cap": 100, "has_periods": true, "daily_percent": null}') on conflict do nothing;
