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
