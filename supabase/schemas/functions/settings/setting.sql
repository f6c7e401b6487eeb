-- Reads one setting of the installation.
--
-- Twice or at once: only reads.
-- Returns: the setting as text, or null if there is none of this name.
-- Errors: none.
create or replace function private.setting(p_key text)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select s.value #>> '{}' from private.settings as s where s.key = p_key;
$$;

revoke all on function private.setting from public, anon, authenticated, service_role;
comment on function private.setting is 'One setting of the installation as text';
