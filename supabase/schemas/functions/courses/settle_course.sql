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
