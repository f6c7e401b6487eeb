-- Notes that a training, which was started just now, is played for a task of its user.
--
-- Concurrency: a training belongs to one task; noting it twice changes nothing.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function public.link_training_to_task(p_user_id bigint, p_training_id bigint, p_task_id bigint)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  insert into public.assignment_trainings (training_id, task_id)
  select t.id, k.id
    from public.trainings as t
    join public.assignment_tasks as k on k.user_id = t.user_id
    join public.assignments as a on a.id = k.assignment_id
   where t.id = p_training_id
     and t.user_id = p_user_id
     and t.status = 'open'
     and k.id = p_task_id
     and (t.scenario, t.mode, t.difficulty) = (a.scenario, a.mode, a.difficulty)
     and a.canceled_at is null
  on conflict (training_id) do nothing;
$$;

revoke all on function public.link_training_to_task from public, anon, authenticated, service_role;
grant execute on function public.link_training_to_task to bot_backend;
comment on function public.link_training_to_task is 'Notes that a training, which was started just now, is played for a task of its user';
