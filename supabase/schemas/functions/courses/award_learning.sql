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
