-- Returns whether figures meet a badge's condition (private.is_badge_condition). A figure that is missing or no number meets
-- nothing.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.meets_condition(p_condition jsonb, p_facts jsonb)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_all constant boolean := p_condition ? 'all';
  v_test jsonb;
  v_fact numeric;
  v_limit numeric;
  v_is_met boolean;
begin
  for v_test in
    select t.value from jsonb_array_elements(p_condition -> case when v_is_all then 'all' else 'any' end) as t (value)
  loop
    v_fact := case when jsonb_typeof(p_facts -> (v_test ->> 0)) = 'number' then (p_facts ->> (v_test ->> 0))::numeric end;
    v_limit := (v_test ->> 2)::numeric;
    v_is_met := coalesce(
      case v_test ->> 1
        when '>=' then v_fact >= v_limit
        when '>' then v_fact > v_limit
        when '=' then v_fact = v_limit
        when '<' then v_fact < v_limit
        when '<=' then v_fact <= v_limit
      end,
      false
    );
    if v_is_met <> v_is_all then
      return v_is_met;
    end if;
  end loop;
  return v_is_all;
end
$$;

revoke all on function private.meets_condition from public, anon, authenticated, service_role;
comment on function private.meets_condition is 'Returns whether figures meet a badge''s condition';
