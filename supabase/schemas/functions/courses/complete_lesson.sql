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
