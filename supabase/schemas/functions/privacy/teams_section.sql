-- Collects what is stored about a user's teams: memberships, what was assigned to them, and what they assigned.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.teams_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'memberships', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.team_id), '[]'::jsonb)
        from public.team_members as m
       where m.user_id = p_user_id
    ),
    'assigned_by_you', (
      select coalesce(jsonb_agg(to_jsonb(a) - array['created_by', 'reference'] order by a.id), '[]'::jsonb)
        from public.assignments as a
       where a.created_by = p_user_id
    ),
    'tasks', (
      select coalesce(jsonb_agg(to_jsonb(k) - 'user_id' order by k.id), '[]'::jsonb)
        from public.assignment_tasks as k
       where k.user_id = p_user_id
    ),
    'certificates', (
      select coalesce(jsonb_agg(to_jsonb(c) - 'user_id' order by c.training_id), '[]'::jsonb)
        from public.certificates as c
       where c.user_id = p_user_id
    ),
    'trainings', (
      select coalesce(jsonb_agg(to_jsonb(r) order by r.training_id), '[]'::jsonb)
        from public.assignment_tasks as k
        join public.assignment_trainings as r on r.task_id = k.id
       where k.user_id = p_user_id
    )
  );
$$;

revoke all on function private.teams_section from public, anon, authenticated, service_role;
comment on function private.teams_section is 'Collects what is stored about a user''s teams';
