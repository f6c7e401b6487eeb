-- Checks the form of a badge's condition: {"all": [["fact", "operator", number], …]} or the same with "any". The operators
-- are >=, >, =, <, <=; a fact is a name of lower case letters, digits and _.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_badge_condition(p_condition jsonb)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text;
  v_test jsonb;
begin
  if jsonb_typeof(p_condition) <> 'object' or (select count(*) from jsonb_object_keys(p_condition)) <> 1 then
    return false;
  end if;
  select k.key into v_key from jsonb_object_keys(p_condition) as k (key);
  if v_key not in ('all', 'any') or jsonb_typeof(p_condition -> v_key) <> 'array'
    or jsonb_array_length(p_condition -> v_key) = 0
  then
    return false;
  end if;
  for v_test in select t.value from jsonb_array_elements(p_condition -> v_key) as t (value) loop
    if jsonb_typeof(v_test) <> 'array' then
      return false;
    elsif jsonb_array_length(v_test) <> 3
      or jsonb_typeof(v_test -> 0) <> 'string' or v_test ->> 0 !~ '^[a-z][a-z0-9_]*$'
      or jsonb_typeof(v_test -> 1) <> 'string' or v_test ->> 1 not in ('>=', '>', '=', '<', '<=')
      or jsonb_typeof(v_test -> 2) <> 'number'
    then
      return false;
    end if;
  end loop;
  return true;
end
$$;

revoke all on function private.is_badge_condition from public, anon, authenticated, service_role;
comment on function private.is_badge_condition is 'Checks the form of a badge''s condition';
