-- Returns whether a team has no other manager than a user.
--
-- Concurrency: read-only; the caller has locked the team.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_last_manager(p_user_id bigint, p_team_id bigint)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select not exists (
    select from public.team_members as m
     where m.team_id = p_team_id and m.user_id <> p_user_id and m.role = 'manager'
  );
$$;

revoke all on function private.is_last_manager from public, anon, authenticated, service_role;
comment on function private.is_last_manager is 'Returns whether a team has no other manager than a user';
