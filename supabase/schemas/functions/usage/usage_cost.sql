-- Returns the price of a call in US dollars, or null where it is no number, negative or beyond its column.
--
-- Twice or at once: reads nothing and changes nothing.
-- Returns: numeric or null.
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
comment on function private.usage_cost is 'The price of a call that makes sense, or null';
