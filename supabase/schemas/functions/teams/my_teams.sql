-- Returns the teams of a user and what is assigned to them now.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   teams: [ private.team_card ]
--   tasks: [ private.task_card ]    (open and overdue ones, the next deadline first)
-- Errors: none.
create or replace function public.my_teams(p_user_id bigint, p_bot text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'teams', (
      select coalesce(jsonb_agg(private.team_card(t, m.role) order by t.id), '[]')
        from public.team_members as m
        join public.teams as t on t.id = m.team_id
       where m.user_id = p_user_id and t.bot = p_bot
    ),
    'tasks', (
      select coalesce(jsonb_agg(private.task_card(k) order by k.due_at, k.id), '[]')
        from public.assignment_tasks as k
        join public.assignments as a on a.id = k.assignment_id
        join public.teams as t on t.id = a.team_id
       where k.user_id = p_user_id
         and t.bot = p_bot
         and k.done_at is null
         and k.opens_at <= private.clock()
         and a.canceled_at is null
    )
  );
$$;

revoke all on function public.my_teams from public, anon, authenticated, service_role;
grant execute on function public.my_teams to bot_backend;
comment on function public.my_teams is 'Returns the teams of a user and what is assigned to them now';
