-- Returns a learner of a course with their progress, for admins.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   user_id: bigint
--   telegram_id: bigint
--   name: text
--   username: text | null
--   enrollments: [ private.enrollment_card ]    (the highest tier first)
--   lessons: int                               (of the learner's tier)
--   completed_lessons: int
--   time_spent_seconds: bigint
--   waiting_homework: int
--   last_active_at: timestamptz | null
--   completed_at: timestamptz | null
--   certificate: text | null                   (code)
-- Errors: none.
create or replace function private.learner_row(p_user_id bigint, p_course public.courses)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'user_id', u.id,
      'telegram_id', u.telegram_id,
      'name', concat_ws(' ', u.first_name, u.last_name),
      'username', u.username,
      'enrollments', (
        select coalesce(jsonb_agg(private.enrollment_card(e) order by private.tier_rank(e.tier) desc), '[]')
          from public.enrollments as e
         where e.user_id = u.id and e.course_id = p_course.id
      ),
      'lessons', s.lessons,
      'completed_lessons', s.completed,
      'time_spent_seconds', s.seconds,
      'waiting_homework', (
        select count(*)
          from public.homework_submissions as w
          join public.lessons as l on l.id = w.lesson_id
         where w.user_id = u.id and l.course_id = p_course.id and w.state = 'submitted'
      ),
      'last_active_at', p.last_active_at,
      'completed_at', p.completed_at,
      'certificate', (
        select c.code
          from public.course_certificates as c
         where c.user_id = u.id and c.course_id = p_course.id and c.withdrawn_at is null
      )
    )
    from public.users as u
    left join public.course_progress as p on p.user_id = u.id and p.course_id = p_course.id
    cross join lateral (
      select
        count(*) filter (where r.is_own) as lessons,
        count(*) filter (where r.is_own and r.completed) as completed,
        coalesce(sum(r.seconds), 0) as seconds
        from (
          select
            l.is_published and private.tier_rank(l.tier) <= private.tier_rank(a.tier) as is_own,
            coalesce(g.completed, false) as completed,
            g.time_spent_seconds as seconds
            from private.course_access(u.id, p_course) as a
            join public.lessons as l on l.course_id = p_course.id
            left join public.lesson_progress as g on g.user_id = u.id and g.lesson_id = l.id
        ) as r
    ) as s
   where u.id = p_user_id;
$$;

revoke all on function private.learner_row from public, anon, authenticated, service_role;
comment on function private.learner_row is 'A learner of a course with their progress';
