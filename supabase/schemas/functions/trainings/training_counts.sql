-- Returns whether a finished training counts: it had enough questions for a score and did not take less than the scenario's
-- shortest time. Only one that counts is in the history, gives XP, badges and a day of the streak, completes a task or
-- passes an exam. One with reversed roles and the review of a conversation never do.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.training_counts(p_training public.trainings)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_training.status = 'finished'
    and p_training.mode not in ('reversed', 'review')
    and (p_training.result ->> 'is_scored')::boolean
    and not (p_training.result ->> 'is_fast')::boolean;
$$;

revoke all on function private.training_counts from public, anon, authenticated, service_role;
comment on function private.training_counts is 'Returns whether a finished training counts';
