-- Reads a setting of the installation (private.settings).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the setting's value (a JSON list or object as its text); null if there is no setting of this name.
-- Errors: none.
create or replace function private.setting(p_key text)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select s.value #>> '{}' from private.settings as s where s.key = p_key
  );
end
$$;

revoke all on function private.setting from public, anon, authenticated, service_role;
comment on function private.setting is 'A setting of the installation as text';
