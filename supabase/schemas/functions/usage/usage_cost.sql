-- Parses the cost of a call in US dollars.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: numeric, at most 999999 with 8 decimals; null for what is not a number, is negative or exceeds the column.
-- Errors: none.
create or replace function private.usage_cost(p_value text)
returns numeric
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_value ~ '^\d{1,6}(\.\d{1,40})?([eE]-\d{1,2})?$' then
    return round(least(p_value::numeric, 999999), 8);
  end if;
  return null;
end
$$;

revoke all on function private.usage_cost from public, anon, authenticated, service_role;
comment on function private.usage_cost is 'Parses the cost of a call; null where it makes no sense';
