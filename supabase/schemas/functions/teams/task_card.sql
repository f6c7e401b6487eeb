-- Returns a task of an assignment as its member sees it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   team_id: bigint
--   team: text
--   assignment: private.assignment_card
--   number: int            (of the round)
--   due_on: date
--   state: 'open' | 'overdue' | 'done' | 'late'    (late: done after the deadline)
--   best_score: int | null
--   is_passed: boolean | null
--   trainings: int         (that were begun for it)
-- Errors: none.
create or replace function private.task_card(p_task public.assignment_tasks)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', p_task.id,
      'team_id', t.id,
      'team', t.name,
      'assignment', private.assignment_card(a),
      'number', p_task.number,
      'due_on', p_task.due_on,
      'state', case
        when p_task.done_at < p_task.due_at then 'done'
        when p_task.done_at is not null then 'late'
        when p_task.due_at <= private.clock() then 'overdue'
        else 'open'
      end,
      'best_score', p_task.best_score,
      'is_passed', p_task.is_passed,
      'trainings', (
        select count(*)
          from public.assignment_trainings as r
          join public.trainings as n on n.id = r.training_id
         where r.task_id = p_task.id and n.access_type is not null
      )
    )
    from public.assignments as a
    join public.teams as t on t.id = a.team_id
   where a.id = p_task.assignment_id;
$$;

revoke all on function private.task_card from public, anon, authenticated, service_role;
comment on function private.task_card is 'Returns a task of an assignment as its member sees it';
