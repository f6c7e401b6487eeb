-- Returns whether a role has the rights of another: owner, then admin, then operator; an author has those of courses, which
-- admins and owners have too.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.role_includes(p_role text, p_needed text)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(p_role = p_needed or p_role = 'owner' or (p_role = 'admin' and p_needed in ('operator', 'author')), false);
$$;

revoke all on function private.role_includes from public, anon, authenticated, service_role;
comment on function private.role_includes is 'Returns whether a role has the rights of another';
