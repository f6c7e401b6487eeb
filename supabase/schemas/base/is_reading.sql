-- Returns whether an action of the audit log reads data and changes none.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_reading(p_action text)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select starts_with(p_action, 'read_') or starts_with(p_action, 'export_');
$$;

revoke all on function private.is_reading from public, anon, authenticated, service_role;
comment on function private.is_reading is 'Returns whether an action of the audit log reads data';
