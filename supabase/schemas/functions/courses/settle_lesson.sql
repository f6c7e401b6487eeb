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
