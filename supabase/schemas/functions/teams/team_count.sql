-- Returns how many teams of a bot a user belongs to.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.team_count(p_user_id bigint, p_bot text)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(*)::integer
    from public.team_members as m
    join public.teams as t on t.id = m.team_id
   where m.user_id = p_user_id and t.bot = p_bot;
$$;

revoke all on function private.team_count from public, anon, authenticated, service_role;
comment on function private.team_count is 'Returns how many teams of a bot a user belongs to';
