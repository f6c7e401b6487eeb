-- Returns how much of what the client hides is disclosed: the weight of the stages, in percent of the weight that was
-- hidden at the start.
--
-- p_rules: of a training; `given` are the stages that a drill discloses at its start. p_revealed: item:stage.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer, 0 to 100.
-- Errors: none.
create or replace function private.training_clarity(p_rules jsonb, p_revealed jsonb)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      round(
        100.0 * sum(s.weight) filter (where p_revealed ? s.key and not p_rules -> 'given' ? s.key)
          / nullif(sum(s.weight) filter (where not p_rules -> 'given' ? s.key), 0)
      ),
      0
    )::integer
    from (
      select concat(h.item ->> 'id', ':', g.stage ->> 'id') as key,
        (h.item ->> 'weight')::integer * (g.stage ->> 'share')::integer as weight
        from jsonb_array_elements(p_rules -> 'hidden') as h (item)
        cross join jsonb_array_elements(p_rules -> 'stages') as g (stage)
    ) as s;
$$;

revoke all on function private.training_clarity from public, anon, authenticated, service_role;
comment on function private.training_clarity is 'Returns how much of what the client hides is disclosed, in percent';
