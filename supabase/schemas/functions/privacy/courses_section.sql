-- Collects what is stored about a user's courses: access, progress, answers, homework and certificates.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.courses_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'written', (
      select coalesce(jsonb_agg(to_jsonb(c) - 'author_id' order by c.id), '[]'::jsonb)
        from public.courses as c
       where c.author_id = p_user_id
    ),
    'enrollments', (
      select coalesce(jsonb_agg(to_jsonb(e) - 'user_id' order by e.id), '[]'::jsonb)
        from public.enrollments as e
       where e.user_id = p_user_id
    ),
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) order by g.id), '[]'::jsonb)
        from public.enrollments as e
        join public.enrollment_grants as g on g.enrollment_id = e.id
       where e.user_id = p_user_id
    ),
    'courses', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.course_id), '[]'::jsonb)
        from public.course_progress as p
       where p.user_id = p_user_id
    ),
    'lessons', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.lesson_id), '[]'::jsonb)
        from public.lesson_progress as p
       where p.user_id = p_user_id
    ),
    'quiz_attempts', (
      select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
        from public.lesson_quiz_attempts as a
       where a.user_id = p_user_id
    ),
    'homework', (
      select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id', 'reviewer_email'] order by h.id), '[]'::jsonb)
        from public.homework_submissions as h
       where h.user_id = p_user_id
    ),
    'questions', (
      select coalesce(jsonb_agg(to_jsonb(q) - array['id', 'user_id', 'answered_by', 'question_message_id'] order by q.id), '[]'::jsonb)
        from public.lesson_questions as q
       where q.user_id = p_user_id
    ),
    'certificates', (
      select coalesce(jsonb_agg(to_jsonb(c) - 'user_id' order by c.course_id), '[]'::jsonb)
        from public.course_certificates as c
       where c.user_id = p_user_id
    )
  );
$$;

revoke all on function private.courses_section from public, anon, authenticated, service_role;
comment on function private.courses_section is 'Collects what is stored about a user''s courses';
