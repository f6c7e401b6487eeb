-- Splits a user's names into the pieces of three characters that a search by part of a name looks up in an index. Letters are
-- compared in lower case; spaces and ASCII punctuation separate words, and a space before a word is a part of it.
--
-- Twice or at once: computes only.
-- Returns: the pieces, each once.
-- Errors: none.
create or replace function private.name_grams(p_words text)
returns text[]
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(distinct substr(p_words, g.place, 3)), '{}')
    from generate_series(1, length(p_words) - 2) as g (place);
$$;

revoke all on function private.name_grams from public, anon, authenticated, service_role;
comment on function private.name_grams is 'The pieces of three characters that a search by name looks up';
