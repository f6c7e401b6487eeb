-- Parses a count that a provider or our code reports, and rounds it.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer; null for what is not a number, is negative or exceeds an integer.
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
comment on function private.usage_count is 'Parses a count; null where it makes no sense';
