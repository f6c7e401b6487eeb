-- Adds the tasks of an assignment for one member: a row for each round whose deadline is ahead. A round opens with the end
-- of the one before.
--
-- Concurrency: rows that exist stay as they are.
-- Locks: none.
-- Returns: integer, how many were added.
-- Errors: none.
create or replace function private.add_tasks(p_assignment public.assignments, p_user_id bigint)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  insert into public.assignment_tasks (assignment_id, team_id, user_id, number, opens_at, due_on, due_at)
  select p_assignment.id, p_assignment.team_id, p_user_id, r.number,
    case r.number
      when 1 then p_assignment.created_at
      else (p_assignment.first_due_on + 7 * (r.number - 2) + 1)::timestamp at time zone t.time_zone
    end,
    r.due_on, (r.due_on + 1)::timestamp at time zone t.time_zone
    from public.teams as t
    cross join lateral (
      select n.number, p_assignment.first_due_on + 7 * (n.number - 1) as due_on
        from generate_series(1, p_assignment.repetitions) as n (number)
    ) as r
   where t.id = p_assignment.team_id
     and (r.due_on + 1)::timestamp at time zone t.time_zone > private.clock()
  on conflict (assignment_id, user_id, number) do nothing;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

revoke all on function private.add_tasks from public, anon, authenticated, service_role;
comment on function private.add_tasks is 'Adds the tasks of an assignment for one member';
