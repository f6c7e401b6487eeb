-- Counts a finished training that counts (private.training_counts) for the task it was played for: the first one completes the task, and the best
-- score is kept. Repeating it counts nothing twice.
--
-- Concurrency: the caller holds the training; the task's row serializes trainings of one task.
-- Locks: task.
-- Returns: void
-- Errors: none.
create or replace function private.count_for_task(p_training public.trainings)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.assignment_tasks as k
     set done_at = coalesce(k.done_at, p_training.finished_at),
         best_score = b.score,
         is_passed = b.is_passed
    from public.assignment_trainings as r
    cross join lateral (
      select max((t.result ->> 'score')::integer) as score, bool_or(private.is_passed(t)) as is_passed
        from public.assignment_trainings as o
        join public.trainings as t on t.id = o.training_id
       where o.task_id = r.task_id and private.training_counts(t)
    ) as b
   where r.training_id = p_training.id and k.id = r.task_id;
$$;

revoke all on function private.count_for_task from public, anon, authenticated, service_role;
comment on function private.count_for_task is 'Counts a finished training for the task it was played for';
