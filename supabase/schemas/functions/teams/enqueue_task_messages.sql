-- Notifies members of tasks that have opened, and reminds them a day before the deadline of a task that is not done.
--
-- Concurrency: tasks that another transaction has locked and users who are being erased are skipped. What was sent is stored
--   with the task, so it is sent once.
-- Locks: tasks (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED).
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.enqueue_task_messages(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_task record;
  v_outgoing jsonb := private.announce_tasks(null, p_limit);
begin
  for v_task in
    select k.id, k.user_id
      from public.assignment_tasks as k
      join public.assignments as a on a.id = k.assignment_id
     where k.reminded_at is null
       and k.announced_at is not null
       and k.done_at is null
       and k.due_at > v_now
       and k.due_at <= v_now + interval '1 day'
       and a.canceled_at is null
     order by k.due_at, k.id
     limit p_limit
       for update of k skip locked
  loop
    perform from public.users as u where u.id = v_task.user_id for key share skip locked;
    continue when not found;
    update public.assignment_tasks as k set reminded_at = v_now where k.id = v_task.id;
    v_outgoing := v_outgoing || private.task_message(v_task.id, 'team_reminder');
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.enqueue_task_messages from public, anon, authenticated, service_role;
grant execute on function public.enqueue_task_messages to bot_backend;
comment on function public.enqueue_task_messages is 'Notifies members of tasks that have opened, and reminds them a day before the deadline of a task that is not done';
