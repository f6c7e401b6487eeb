-- Returns a count that a provider or our code reports, rounded, or null where it is no number, negative or
-- beyond an integer column.
--
-- Twice or at once: reads nothing and changes nothing.
-- Returns: integer or null.
-- Errors: none.
create or replace function private.usage_count(p_value text)
returns integer
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_value ~ '^\d{1,10}(\.\d{1,30})?$' and round(p_value::numeric) <= 2147483647 then
    return round(p_value::numeric);
  end if;
  return null;
end
$$;

revoke all on function private.usage_count from public, anon, authenticated, service_role;
comment on function private.usage_count is 'A count that makes sense, or null';
