-- Normalizes a user's names for the search: words in lower case with one space before each. ASCII punctuation, spaces and
-- control characters separate words, so that no character of a query can act as a pattern.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text: the username anna_k gives ' anna k'; empty if the names contain no letter or digit.
-- Errors: none.
create or replace function private.name_words(p_username text, p_first_name text, p_last_name text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select rtrim(
    regexp_replace(
      ' ' || lower(coalesce(p_first_name, '') || ' ' || coalesce(p_last_name, '') || ' ' || coalesce(p_username, '')),
      '[\x01-\x2F\x3A-\x40\x5B-\x60\x7B-\x7F]+', ' ', 'g'
    )
  );
$$;

revoke all on function private.name_words from public, anon, authenticated, service_role;
comment on function private.name_words is 'A user''s names as words in lower case';
