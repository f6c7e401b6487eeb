-- Returns the result of a finished training, with a line for each message that counts.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   training_id: bigint
--   scenario: text
--   case_id: text
--   mode: 'practice' | 'drill' | 'exam' | 'reversed' | 'review'
--   drill_type: text | null
--   language: text
--   is_scored: boolean     (false: too few questions)
--   is_fast: boolean       (too fast to count)
--   counts: boolean        (private.training_counts; false: nothing was given)
--   reference?: text       (in the history and the ledger of XP, of one that counts)
--   reason: text
--   score: int
--   questions: int         (points of the questions)
--   coverage: int
--   order: int
--   depth: int
--   chains: int
--   clarity_level: int
--   question_count: int
--   contextual_questions: int
--   per_type_counts: { [text]: int }
--   min_questions: int
--   before: { score: int, clarity_level: int } | null    (the training before in the same scenario and mode)
--   maestro_streak: int | null
--   xp: public.award_xp | null
--   streak: public.record_activity | null
--   badges: [ text ]       (received now)
--   exam: { score: int, is_passed: boolean } | null    (the pass mark)
--   review: { source: 'ai' | 'patterns', left_out: int } | null    (left_out: questions beyond the limit)
--   lines: [ {
--     position: int, question: text, reply: text, type: text, why: 'counted' | 'repeated' | 'capped' | 'other_type',
--     points: int, is_contextual: boolean, is_copied: boolean, used_fragment: text, revealed: [ text ],
--     is_disputed: boolean, dispute: 'open' | 'upheld' | 'corrected' | null, judged_type: text | null,
--     is_useful: boolean | null
--   } ]
-- Errors: none.
create or replace function private.training_result(p_training public.trainings)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_training.result || jsonb_build_object(
    'training_id', p_training.id,
    'counts', private.training_counts(p_training),
    'scenario', p_training.scenario,
    'case_id', p_training.case_id,
    'mode', p_training.mode,
    'drill_type', p_training.drill_type,
    'language', p_training.language,
    'clarity_level', p_training.clarity_level,
    'question_count', p_training.question_count,
    'contextual_questions', p_training.contextual_questions,
    'per_type_counts', p_training.per_type_counts,
    'min_questions', (p_training.rules ->> 'min_questions')::integer,
    'exam', case
      when p_training.mode = 'exam' then jsonb_build_object(
        'score', p_training.rules -> 'exam' -> 'score', 'is_passed', private.is_passed(p_training)
      )
    end,
    'review', p_training.result -> 'review',
    'lines', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'position', r.position, 'question', r.question, 'reply', r.reply, 'type', r.type, 'why', r.why,
              'points', r.points, 'is_contextual', r.is_contextual, 'is_copied', r.is_copied,
              'used_fragment', r.used_fragment, 'revealed', r.revealed, 'is_disputed', r.disputed_at is not null,
              'dispute', (select d.status from public.training_disputes as d where d.turn_id = r.id),
              'judged_type', r.judged_type, 'is_useful', r.is_useful
            )
            order by r.position
          ),
          '[]'
        )
        from public.training_turns as r
       where r.training_id = p_training.id and r.why <> 'none'
    )
  );
$$;

revoke all on function private.training_result from public, anon, authenticated, service_role;
comment on function private.training_result is 'Returns the result of a finished training';
