-- Computes the points of a question that counts.
--
-- p_rules: of the training. p_count: how many questions of its type there were before.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer, negative where too many of a type cost points.
-- Errors: none.
create or replace function private.turn_points(p_rules jsonb, p_type text, p_count integer, p_is_contextual boolean)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select (
      select case when p_count < (t.type ->> 'cap')::integer then (t.type ->> 'weight')::integer else 0 end
        from jsonb_array_elements(p_rules -> 'types') as t (type)
       where t.type ->> 'id' = p_type
    )
    + case when p_is_contextual then (p_rules -> 'bonuses' ->> 'contextual')::integer else 0 end
    - case
        when p_rules -> 'bonuses' -> 'excess' ->> 'type' = p_type
          and p_count >= (p_rules -> 'bonuses' -> 'excess' ->> 'beyond')::integer
          then (p_rules -> 'bonuses' -> 'excess' ->> 'points')::integer
        else 0
      end;
$$;

revoke all on function private.turn_points from public, anon, authenticated, service_role;
comment on function private.turn_points is 'Computes the points of a question that counts';
