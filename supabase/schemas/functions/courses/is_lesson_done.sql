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
