-- Counts a finished training with a score for the task it was played for: the first one completes the task, and the best
-- score is kept. Repeating it counts nothing twice.
--
-- p_is_passed: of an exam, whether it reached the pass mark; null otherwise.
--
-- Concurrency: the caller holds the training; the task's row serializes trainings of one task.
-- Locks: task.
-- Returns: void
-- Errors: none.
create or replace function private.count_for_task(
  p_training_id bigint, p_score integer, p_finished_at timestamptz, p_is_passed boolean
)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.assignment_tasks as k
     set done_at = coalesce(k.done_at, p_finished_at),
         best_score = greatest(k.best_score, p_score),
         is_passed = coalesce(k.is_passed or p_is_passed, p_is_passed, k.is_passed)
    from public.assignment_trainings as r
   where r.training_id = p_training_id and k.id = r.task_id;
$$;

revoke all on function private.count_for_task from public, anon, authenticated, service_role;
comment on function private.count_for_task is 'Counts a finished training with a score for the task it was played for';
