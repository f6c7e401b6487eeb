-- Returns the titles in texts of a course or lesson; languages without a title are left out.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb
--   { [text]: text }      (by language)
-- Errors: none.
create or replace function private.text_titles(p_texts jsonb)
returns jsonb
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(t.key, t.value -> 'title'), '{}')
    from jsonb_each(p_texts) as t
   where t.value ->> 'title' <> '';
$$;

revoke all on function private.text_titles from public, anon, authenticated, service_role;
comment on function private.text_titles is 'The titles in texts by language';
