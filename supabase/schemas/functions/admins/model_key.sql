-- Returns the short name of a model that fits into the data of a button, since ids are too long for it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, ten hexadecimal digits.
-- Errors: none.
create or replace function private.model_key(p_provider text, p_model text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select left(md5(p_provider || ' ' || p_model), 10);
$$;

revoke all on function private.model_key from public, anon, authenticated, service_role;
comment on function private.model_key is 'Returns the short name of a model that fits into the data of a button';
