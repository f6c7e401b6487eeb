-- Computes the points of a training that belong to no single question.
--
-- p_points: of its questions, with what was added for context and taken for too many of a type. p_first {type: number}:
-- when each type was asked for the first time. p_chains: hidden items that are disclosed up to their last stage, without
-- those that were given.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb
--   questions: int         (p_points)
--   coverage: int          (every type was asked)
--   order: int             (types were asked in the order of the scenario)
--   depth: int             (chains)
--   score: int             (the sum, at least 0)
-- Errors: none.
create or replace function private.training_bonuses(p_rules jsonb, p_points integer, p_first jsonb, p_chains integer)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bonuses jsonb := p_rules -> 'bonuses';
  v_coverage integer := 0;
  v_order integer := 0;
  v_depth integer := 0;
begin
  if not exists (
    select from jsonb_array_elements(p_rules -> 'types') as t (type) where not p_first ? (t.type ->> 'id')
  ) then
    v_coverage := (v_bonuses ->> 'coverage')::integer;
  end if;
  if jsonb_typeof(v_bonuses -> 'order') = 'object' and (
    select bool_and(coalesce(o.place >= o.earlier, o.place is not null))
      from (
        select (p_first ->> n.name)::integer as place, lag((p_first ->> n.name)::integer) over (order by n.number) as earlier
          from jsonb_array_elements_text(v_bonuses -> 'order' -> 'types') with ordinality as n (name, number)
      ) as o
  ) then
    v_order := (v_bonuses -> 'order' ->> 'points')::integer;
  end if;
  if jsonb_typeof(v_bonuses -> 'depth') = 'object' then
    v_depth := (v_bonuses -> 'depth' ->> 'points')::integer * least(p_chains, (v_bonuses -> 'depth' ->> 'most')::integer);
  end if;
  return jsonb_build_object(
    'questions', p_points, 'coverage', v_coverage, 'order', v_order, 'depth', v_depth,
    'score', greatest(p_points + v_coverage + v_order + v_depth, 0)
  );
end
$$;

revoke all on function private.training_bonuses from public, anon, authenticated, service_role;
comment on function private.training_bonuses is 'Computes the points of a training that belong to no single question';
