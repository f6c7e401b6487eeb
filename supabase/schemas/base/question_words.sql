-- Returns the words of a question in the base forms of a language, without those that say nothing.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text[], at most 40.
-- Errors: none.
create or replace function private.question_words(p_language text, p_text text)
returns text[]
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select (tsvector_to_array(case p_language
    when 'ru' then to_tsvector('pg_catalog.russian'::regconfig, left(p_text, 2000))
    when 'en' then to_tsvector('pg_catalog.english'::regconfig, left(p_text, 2000))
    else to_tsvector('pg_catalog.simple'::regconfig, left(p_text, 2000))
  end))[:40];
$$;

revoke all on function private.question_words from public, anon, authenticated, service_role;
comment on function private.question_words is 'Returns the words of a question in the base forms of a language';
