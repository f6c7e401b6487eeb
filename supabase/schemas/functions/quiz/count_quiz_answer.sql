-- Counts an answer of a user: in all, by topic and by day.
--
-- Concurrency: the caller holds the user's row and calls once per answer.
-- Locks: the user's rows of quiz_totals, quiz_topics and quiz_days.
-- Returns: void
-- Errors: none.
create or replace function private.count_quiz_answer(p_user_id bigint, p_bot text, p_topic text, p_is_right boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_right constant integer := p_is_right::integer;
begin
  insert into public.quiz_totals as t (user_id, bot, answers, right_answers) values (p_user_id, p_bot, 1, v_right)
  on conflict (user_id, bot) do update
    set answers = t.answers + 1, right_answers = t.right_answers + v_right;
  insert into public.quiz_topics as t (user_id, bot, topic, answers, right_answers)
  values (p_user_id, p_bot, p_topic, 1, v_right)
  on conflict (user_id, bot, topic) do update
    set answers = t.answers + 1, right_answers = t.right_answers + v_right;
  insert into public.quiz_days as d (user_id, bot, day, answers, right_answers)
  values (p_user_id, p_bot, private.quiz_day(), 1, v_right)
  on conflict (user_id, bot, day) do update
    set answers = d.answers + 1, right_answers = d.right_answers + v_right;
end
$$;

revoke all on function private.count_quiz_answer from public, anon, authenticated, service_role;
comment on function private.count_quiz_answer is 'Counts an answer of a user';
