-- Notifies members of tasks that have opened, each once.
--
-- p_assignment_id: of this assignment only; null: of all.
--
-- Concurrency: tasks that another transaction has locked and users who are being erased are skipped.
-- Locks: tasks by opens_at (FOR UPDATE SKIP LOCKED), each followed by its user (KEY SHARE SKIP LOCKED).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.announce_tasks(p_assignment_id bigint, p_limit integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_task record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_task in
    select k.id, k.user_id, a.mode
      from public.assignment_tasks as k
      join public.assignments as a on a.id = k.assignment_id
     where k.announced_at is null
       and k.opens_at <= v_now
       and k.due_at > v_now
       and k.done_at is null
       and a.canceled_at is null
       and (p_assignment_id is null or k.assignment_id = p_assignment_id)
     order by k.opens_at, k.id
     limit p_limit
       for update of k skip locked
  loop
    perform from public.users as u where u.id = v_task.user_id for key share skip locked;
    continue when not found;
    update public.assignment_tasks as k
       set announced_at = v_now,
           -- A task that opens less than a day before its deadline needs no reminder.
           reminded_at = case when k.due_at <= v_now + interval '1 day' then v_now end
     where k.id = v_task.id;
    v_outgoing := v_outgoing || private.task_message(v_task.id, 'team_assigned_' || v_task.mode);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.announce_tasks from public, anon, authenticated, service_role;
comment on function private.announce_tasks is 'Notifies members of tasks that have opened, each once';
