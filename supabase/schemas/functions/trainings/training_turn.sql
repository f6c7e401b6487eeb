-- Returns a turn of a training as the bot shows it, with the counts of the training.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   position: int
--   kind: text
--   type: text             (of the scenario, or none)
--   points: int
--   why: 'counted' | 'none' | 'repeated' | 'capped' | 'other_type'
--   is_contextual: boolean
--   reply: text
--   clarity_level: int     (after this turn)
--   question_count: int
--   silent_count: int
--   may_finish: boolean    (the target clarity is reached, and there were enough questions)
--   is_over: boolean       (a limit is reached)
-- Errors: none.
create or replace function private.training_turn(p_training public.trainings, p_turn public.training_turns)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'position', p_turn.position,
    'kind', p_turn.kind,
    'type', p_turn.type,
    'points', p_turn.points,
    'why', p_turn.why,
    'is_contextual', p_turn.is_contextual,
    'reply', p_turn.reply,
    'clarity_level', p_turn.clarity_level,
    'question_count', p_training.question_count,
    'silent_count', p_training.silent_count,
    'may_finish', p_training.mode <> 'exam'
      and p_training.question_count >= (p_training.rules ->> 'min_questions')::integer
      and p_turn.clarity_level >= (p_training.rules ->> 'target_clarity')::integer,
    'is_over', p_training.question_count >= (p_training.rules ->> 'max_questions')::integer
      or p_training.turns >= (p_training.rules ->> 'max_turns')::integer
  );
$$;

revoke all on function private.training_turn from public, anon, authenticated, service_role;
comment on function private.training_turn is 'Returns a turn of a training';
