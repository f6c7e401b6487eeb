-- Returns the setting default_language. In plpgsql, because a column default uses it before the table of settings exists.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, a language code; null if there is no such setting.
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
comment on function private.default_language is 'Language of users whose Telegram sends none';
