-- Returns after how long without a page a session ends: one with the rights of the staff (p_is_admin) soon.
--
-- p_is_short: of an admin or a Mini App.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: interval
-- Errors: none.
create or replace function private.session_idle(p_is_short boolean)
returns interval
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case when p_is_short then interval '12 hours' else interval '14 days' end;
$$;

revoke all on function private.session_idle from public, anon, authenticated, service_role;
comment on function private.session_idle is 'Returns after how long without a page a session ends';
