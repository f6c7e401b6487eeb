-- Returns the searched words of an article, in the base forms of its language; those of the title weigh more.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: tsvector
-- Errors: none.
create or replace function private.article_words(p_language text, p_title text, p_body text)
returns tsvector
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case p_language
    when 'ru' then
      setweight(to_tsvector('pg_catalog.russian'::regconfig, p_title), 'A')
      || setweight(to_tsvector('pg_catalog.russian'::regconfig, p_body), 'D')
    when 'en' then
      setweight(to_tsvector('pg_catalog.english'::regconfig, p_title), 'A')
      || setweight(to_tsvector('pg_catalog.english'::regconfig, p_body), 'D')
    else
      setweight(to_tsvector('pg_catalog.simple'::regconfig, p_title), 'A')
      || setweight(to_tsvector('pg_catalog.simple'::regconfig, p_body), 'D')
  end;
$$;

revoke all on function private.article_words from public, anon, authenticated, service_role;
comment on function private.article_words is 'Returns the searched words of an article';
