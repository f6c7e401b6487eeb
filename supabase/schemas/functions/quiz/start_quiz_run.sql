-- Starts a quiz and shows its first question. An open quiz is abandoned, but a challenge does not abandon another quiz, nor
-- another quiz a challenge of today.
--
-- p_questions: their ids; of a challenge those that this deployment would ask, which count if the user is the first of the day.
-- p_day: the day of the challenge whose questions they are.
--
-- Concurrency: the user's row is locked. A repeated reference returns the quiz that it started. The first question of the day
--   wins by the primary key of quiz_challenges.
-- Locks: user (NO KEY UPDATE), the user's open quizzes, the day's challenge.
-- Returns: jsonb
--   outcome: 'started' | 'taken' | 'new_day'   (taken: today's challenge was started before; new_day: p_day is over)
--   day: date                                  (today's challenge)
--   run?: private.quiz_run_state               (started, taken)
-- Errors: Z0004 no such user.
create or replace function public.start_quiz_run(
  p_user_id bigint, p_bot text, p_kind text, p_questions jsonb, p_reference text, p_topic text default '',
  p_level integer default 0, p_day date default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day constant date := private.quiz_day();
  v_now constant timestamptz := private.clock();
  v_questions text[] := array(select jsonb_array_elements_text(p_questions));
  v_run public.quiz_runs;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  select r.* into v_run from public.quiz_runs as r where r.user_id = p_user_id and r.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'started', 'day', v_day, 'run', private.quiz_run_state(v_run));
  end if;
  if p_kind = 'daily' then
    select r.* into v_run
      from public.quiz_runs as r
     where r.user_id = p_user_id and r.bot = p_bot and r.day = v_day and r.kind = 'daily';
    if found then
      return jsonb_build_object('outcome', 'taken', 'day', v_day, 'run', private.quiz_run_state(v_run));
    elsif p_day is distinct from v_day then
      return jsonb_build_object('outcome', 'new_day', 'day', v_day);
    end if;
    insert into public.quiz_challenges (bot, day, questions) values (p_bot, v_day, v_questions)
    on conflict (bot, day) do nothing;
    select c.questions into v_questions from public.quiz_challenges as c where c.bot = p_bot and c.day = v_day;
  end if;
  update public.quiz_runs as r
     set status = 'abandoned'
   where r.user_id = p_user_id
     and r.bot = p_bot
     and r.status = 'open'
     and (r.kind = 'daily') = (p_kind = 'daily');
  insert into public.quiz_runs as r (user_id, bot, kind, topic, level, day, questions, reference, shown_at, created_at)
  values (
    p_user_id, p_bot, p_kind, p_topic, p_level, case when p_kind = 'daily' then v_day end, v_questions, p_reference, v_now, v_now
  )
  returning r.* into v_run;
  return jsonb_build_object('outcome', 'started', 'day', v_day, 'run', private.quiz_run_state(v_run));
end
$$;

revoke all on function public.start_quiz_run from public, anon, authenticated, service_role;
grant execute on function public.start_quiz_run to bot_backend;
comment on function public.start_quiz_run is 'Starts a quiz';
