-- Writes a user's names as words in lower case, with one space before each. A character that is no letter or digit of ASCII's
-- first half separates words: so no character of a query can be a pattern.
--
-- Twice or at once: computes only.
-- Returns: ' anna_k' becomes ' anna k'; empty without a letter.
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
