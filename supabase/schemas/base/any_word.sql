-- Returns the query that finds any of these words, which are in their base forms.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: tsquery; null without words.
-- Errors: none.
create or replace function private.any_word(p_words text[])
returns tsquery
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select string_agg(
      '''' || replace(replace(w.word, '\', '\\'), '''', '''''') || '''', ' | '
    )::tsquery
    from unnest(p_words) as w (word);
$$;

revoke all on function private.any_word from public, anon, authenticated, service_role;
comment on function private.any_word is 'Returns the query that finds any of these words';
