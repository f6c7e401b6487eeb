-- Reads the setting default_language, for the default of a column that is made before the settings are.
--
-- Twice or at once: only reads.
-- Returns: a language's code; null if there is no such setting.
-- Errors: none.
create or replace function private.default_language()
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.setting('default_language');
end
$$;

revoke all on function private.default_language from public, anon, authenticated, service_role;
comment on function private.default_language is 'The language of users whose Telegram names none';
