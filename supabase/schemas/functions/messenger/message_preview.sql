-- Returns what the list of conversations shows of a message: the beginning of its text in one line, else its kind in
-- brackets, which pages translate.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text, at most 160 characters.
-- Errors: none.
create or replace function private.message_preview(p_kind text, p_body text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_body ~ '\S' then left(btrim(regexp_replace(left(p_body, 320), '\s+', ' ', 'g')), 160)
    else '[' || p_kind || ']'
  end;
$$;

revoke all on function private.message_preview from public, anon, authenticated, service_role;
comment on function private.message_preview is 'Returns what the list of conversations shows of a message';
