-- Splits a user's names (private.name_words) into trigrams for the index of the search by a part of a name. The space before a
-- word is part of its trigrams, so that a search can match the beginning of a word.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text[], the distinct trigrams.
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
comment on function private.name_grams is 'Distinct trigrams of a user''s names, for the search by name';
