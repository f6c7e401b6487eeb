-- Notes that a training is played for a task of its user, if it is what the task asks for.
--
-- Concurrency: the caller has locked the user; a training belongs to one task.
-- Locks: training.
-- Returns: void
-- Errors: none.
create or replace function private.link_training_to_task(p_training public.trainings, p_task_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with linked as (
    insert into public.assignment_trainings as r (training_id, task_id)
    select p_training.id, k.id
      from public.assignment_tasks as k
      join public.assignments as a on a.id = k.assignment_id
     where k.id = p_task_id
       and k.user_id = p_training.user_id
       and k.opens_at <= private.clock()
       and a.canceled_at is null
       and (a.scenario, a.mode, a.difficulty) = (p_training.scenario, p_training.mode, p_training.difficulty)
    on conflict (training_id) do nothing
    returning r.task_id
  )
  update public.trainings as t
     set assigned_round = concat(k.assignment_id, ':', k.number)
    from linked as l
    join public.assignment_tasks as k on k.id = l.task_id
   where t.id = p_training.id;
$$;

revoke all on function private.link_training_to_task from public, anon, authenticated, service_role;
comment on function private.link_training_to_task is 'Notes that a training is played for a task of its user, if it is what the task asks for';
