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
  -- Without a limit null: greatest() would make it 0, which shows the answers.
  v_left := case when p_lesson.quiz ->> 'attempts' is not null then greatest((p_lesson.quiz ->> 'attempts')::integer - v_attempts, 0) end;
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
