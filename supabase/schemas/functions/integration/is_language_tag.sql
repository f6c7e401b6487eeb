-- Tells whether a text is a language tag (BCP 47): a language of two or three letters and up to four subtags.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean; null and no language are accepted, so the result is true for null.
-- Errors: none.
create or replace function private.is_language_tag(p_language text)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(p_language ~ '^[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,4}$', true);
$$;

revoke all on function private.is_language_tag from public, anon, authenticated, service_role;
comment on function private.is_language_tag is 'Tells whether a text is a language tag';
