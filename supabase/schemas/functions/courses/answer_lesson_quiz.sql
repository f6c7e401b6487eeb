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
