-- Enqueues a message about a task for its member, with a button that starts it.
--
-- Concurrency: every call enqueues one message; the caller calls once per event.
-- Locks: none.
-- Returns: jsonb, the message to deliver now (outgoing).
-- Errors: none.
create or replace function private.task_message(p_task_id bigint, p_key text)
returns jsonb
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select private.enqueue_user_message(
      k.user_id, t.bot, p_key,
      jsonb_build_object(
        'team', jsonb_build_object(
          'name', t.name, 'assignment', private.assignment_card(a), 'number', k.number, 'rounds', a.repetitions
        ),
        -- Texts of an earlier revision, which may deliver the message, name these two.
        'number', k.number,
        'rounds', a.repetitions,
        -- The day as such, whatever time zone it is shown in.
        'until', jsonb_build_object('date', (k.due_on + time '12:00') at time zone private.setting('quota_timezone'))
      ),
      jsonb_build_array(jsonb_build_array(jsonb_build_object('key', 'team_start_button', 'data', 'task:' || k.id)))
    )
    from public.assignment_tasks as k
    join public.assignments as a on a.id = k.assignment_id
    join public.teams as t on t.id = k.team_id
   where k.id = p_task_id;
$$;

revoke all on function private.task_message from public, anon, authenticated, service_role;
comment on function private.task_message is 'Enqueues a message about a task for its member, with a button that starts it';
