-- Records the answer to the current question of a quiz, once, and finishes the quiz with the last one.
--
-- p_choice: positions in the bank; empty and p_is_right null for a question that was withdrawn from the bank, which counts
-- nothing. p_card: the question's state in FSRS after this answer. p_next: the next question is shown at once.
--
-- Concurrency: the user's row and the quiz are locked; the primary key of quiz_answers lets one answer count. The update that
--   gave the answer gets its result again.
-- Locks: user (NO KEY UPDATE), quiz (FOR UPDATE), then the user's counters and as private.finish_quiz_run.
-- Returns: jsonb
--   outcome: 'counted' | 'answered' | 'closed' | 'none'   (answered: before, by another update, or not the current question;
--                                              closed: the quiz is over; none: no quiz of this user)
--   run?: private.quiz_run_state               (all but none)
-- Errors: none.
create or replace function public.answer_quiz_question(
  p_user_id bigint, p_bot text, p_run_id bigint, p_n integer, p_reference text, p_version text, p_topic text,
  p_choice jsonb, p_is_right boolean, p_card jsonb default null, p_next boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_run public.quiz_runs;
  v_known public.quiz_answers;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  select r.* into v_run
    from public.quiz_runs as r
   where r.id = p_run_id and r.user_id = p_user_id and r.bot = p_bot
     for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  select a.* into v_known from public.quiz_answers as a where a.run_id = p_run_id and a.n = p_n;
  if found then
    return jsonb_build_object(
      'outcome', case when v_known.reference = p_reference then 'counted' else 'answered' end,
      'run', private.quiz_run_state(v_run)
    );
  elsif v_run.status <> 'open' then
    return jsonb_build_object('outcome', 'closed', 'run', private.quiz_run_state(v_run));
  elsif p_n <> v_run.answered + 1 or p_n <> v_run.shown then
    return jsonb_build_object('outcome', 'answered', 'run', private.quiz_run_state(v_run));
  end if;

  insert into public.quiz_answers (run_id, n, user_id, question, version, choice, is_right, seconds, reference, answered_at)
  values (
    p_run_id, p_n, p_user_id, v_run.questions[p_n], p_version, array(select c.position::smallint from jsonb_array_elements_text(p_choice) as c (position)),
    p_is_right, private.seconds_since(v_run.shown_at), p_reference, v_now
  );
  if p_is_right is not null then
    perform private.count_quiz_answer(p_user_id, p_bot, p_topic, p_is_right);
    if p_card is not null then
      perform private.save_quiz_card(p_user_id, v_run.questions[p_n], p_card, p_is_right);
    end if;
  end if;
  update public.quiz_runs as r
     set answered = p_n,
         right_answers = r.right_answers + coalesce(p_is_right, false)::integer,
         shown = case when p_next and p_n < cardinality(r.questions) then p_n + 1 else r.shown end,
         shown_at = case when p_next then v_now else r.shown_at end
   where r.id = p_run_id
  returning r.* into v_run;
  if v_run.answered = cardinality(v_run.questions) then
    perform private.finish_quiz_run(v_run);
    select r.* into v_run from public.quiz_runs as r where r.id = p_run_id;
  end if;
  return jsonb_build_object('outcome', 'counted', 'run', private.quiz_run_state(v_run));
end
$$;

revoke all on function public.answer_quiz_question from public, anon, authenticated, service_role;
grant execute on function public.answer_quiz_question to bot_backend;
comment on function public.answer_quiz_question is 'Records the answer to a question of a quiz';
