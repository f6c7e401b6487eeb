-- Returns the figures of a user's finished trainings that badges ask for. Those of a scenario that is not named like its
-- bot begin with its name: best_score of spin, objections_best_score.
--
-- p_training: just finished, its row of public.training_history stored.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, numbers by name: total_trainings; of the scenario best_score, score, clarity, chains,
--   contextual_questions and maestro_streak.
-- Errors: none.
create or replace function private.training_facts(p_training public.trainings, p_score integer, p_chains integer)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'total_trainings', (
        select count(*)
          from public.training_history as h
         where h.user_id = p_training.user_id and h.bot = p_training.bot
      )
    ) || case when p_training.mode = 'drill' then '{}' else (
      select jsonb_object_agg(
          case when p_training.scenario = p_training.bot then f.key else concat(p_training.scenario, '_', f.key) end,
          f.value
        )
        from jsonb_each(
          jsonb_build_object(
            'best_score', (
              select max(h.score)
                from public.training_history as h
               where h.user_id = p_training.user_id
                 and h.bot = p_training.bot
                 and h.scenario = p_training.scenario
                 and h.mode <> 'drill'
            ),
            'score', p_score,
            'clarity', p_training.clarity_level,
            'chains', p_chains,
            'contextual_questions', p_training.contextual_questions,
            'maestro_streak', private.maestro_streak(
              p_training.user_id, p_training.bot, p_training.scenario, (p_training.rules ->> 'maestro_score')::integer
            )
          )
        ) as f
    ) end;
$$;

revoke all on function private.training_facts from public, anon, authenticated, service_role;
comment on function private.training_facts is 'Returns the figures that badges ask for';
