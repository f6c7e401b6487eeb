-- Starts a training. A user has one open training in a bot: with p_replace it is abandoned, otherwise it goes on.
--
-- p_rules: weights, caps, bonuses and limits of the scenario at this version, the hidden items of the case with their
-- weights, and `given`, the stages that are disclosed at the start. Nothing is consumed yet: public.record_training_turn
-- does that at the first message. An exam may be begun as often as its rules say: for one task, or without a task within 24
-- hours. One that was given up before its first question does not count.
--
-- p_task_id: the task of a team that it is played for (private.link_training_to_task).
--
-- Concurrency: the user's row is locked, so two starts at once are one after the other; a known reference starts nothing.
-- Locks: user (NO KEY UPDATE), the open training.
-- Returns: jsonb
--   outcome: 'started' | 'open' | 'no_access' | 'no_attempts'    (open: another training is open, and p_replace is false)
--   training?: private.training_state            (started, open)
--   access?: private.resolve_access              (no_access)
-- Errors: Z0004 no such user; Z0009 the rules are incomplete.
create or replace function public.start_training(
  p_user_id bigint, p_bot text, p_scenario text, p_version integer, p_case text, p_mode text, p_drill_type text,
  p_difficulty text, p_language text, p_rules jsonb, p_reference text, p_replace boolean default false,
  p_task_id bigint default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_user public.users;
  v_training public.trainings;
begin
  if not p_rules ?& array[
    'types', 'stages', 'hidden', 'given', 'bonuses', 'min_questions', 'max_questions', 'max_turns', 'min_seconds',
    'target_clarity', 'maestro_score'
  ] or (p_mode = 'exam') <> (p_rules ? 'exam') then
    raise exception 'the rules of a training are incomplete' using errcode = 'Z0009';
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  select t.* into v_training from public.trainings as t where t.user_id = p_user_id and t.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'started', 'training', private.training_state(v_training));
  end if;
  v_training := private.find_open_training(p_user_id, p_bot);
  if v_training.id is not null and not p_replace then
    return jsonb_build_object('outcome', 'open', 'training', private.training_state(v_training));
  elsif not (private.resolve_access(v_user, 1) ->> 'has_access')::boolean then
    return jsonb_build_object('outcome', 'no_access', 'access', private.resolve_access(v_user, 1));
  elsif p_mode = 'exam'
    and private.exams_begun(p_user_id, p_bot, p_scenario, p_task_id) >= (p_rules -> 'exam' ->> 'attempts')::integer
  then
    return jsonb_build_object('outcome', 'no_attempts');
  end if;
  update public.trainings as t
     set status = 'abandoned', finished_at = v_now, updated_at = v_now, turn_reference = null, turn_lease_until = null
   where t.id = v_training.id;
  insert into public.trainings as t (
    user_id, bot, scenario, version, case_id, mode, drill_type, difficulty, language, rules, revealed, reference,
    created_at, updated_at
  )
  values (
    p_user_id, p_bot, p_scenario, p_version, p_case, p_mode, p_drill_type, p_difficulty, p_language, p_rules,
    p_rules -> 'given', p_reference, v_now, v_now
  )
  returning t.* into v_training;
  if p_task_id is not null then
    perform private.link_training_to_task(v_training, p_task_id);
  end if;
  return jsonb_build_object('outcome', 'started', 'training', private.training_state(v_training));
end
$$;

revoke all on function public.start_training from public, anon, authenticated, service_role;
grant execute on function public.start_training to bot_backend;
comment on function public.start_training is 'Starts a training';
