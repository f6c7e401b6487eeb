-- Returns a training as the bot works with it, with its conversation.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   scenario: text
--   version: int
--   case_id: text
--   mode: 'practice' | 'drill' | 'exam' | 'reversed' | 'review'
--   drill_type: text | null
--   difficulty: 'easy' | 'medium' | 'hard'
--   language: text
--   status: 'open' | 'finished' | 'abandoned'
--   ends_at: timestamptz | null    (of an exam)
--   is_paid: boolean       (its access was consumed)
--   turn_count: int        (messages of the user, no matter what they were)
--   question_count: int
--   contextual_questions: int
--   per_type_counts: { [text]: int }
--   points: int
--   clarity_level: int
--   silent_count: int
--   revealed: [ text ]     (item:stage)
--   facts_given: [ text ]
--   tips: [ text ]
--   max_questions: int
--   turns: [ {
--     position: int, question: text, reply: text, type: text, why: text, judged_type: text | null, is_useful: boolean | null
--   } ]                    (oldest first)
-- Errors: none.
create or replace function private.training_state(p_training public.trainings)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_training.id,
    'scenario', p_training.scenario,
    'version', p_training.version,
    'case_id', p_training.case_id,
    'mode', p_training.mode,
    'drill_type', p_training.drill_type,
    'difficulty', p_training.difficulty,
    'language', p_training.language,
    'status', p_training.status,
    'ends_at', private.exam_ends_at(p_training),
    'is_paid', p_training.access_type is not null,
    'turn_count', p_training.turns,
    'question_count', p_training.question_count,
    'contextual_questions', p_training.contextual_questions,
    'per_type_counts', p_training.per_type_counts,
    'points', p_training.points,
    'clarity_level', p_training.clarity_level,
    'silent_count', p_training.silent_count,
    'revealed', p_training.revealed,
    'facts_given', p_training.facts_given,
    'tips', p_training.tips,
    'max_questions', (p_training.rules ->> 'max_questions')::integer,
    'turns', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'position', t.position, 'question', t.question, 'reply', t.reply, 'type', t.type, 'why', t.why,
              'judged_type', t.judged_type, 'is_useful', t.is_useful
            )
            order by t.position
          ),
          '[]'
        )
        from public.training_turns as t
       where t.training_id = p_training.id
    )
  );
$$;

revoke all on function private.training_state from public, anon, authenticated, service_role;
comment on function private.training_state is 'Returns a training with its conversation';
