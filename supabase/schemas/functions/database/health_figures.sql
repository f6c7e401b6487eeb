-- Measures this database's health now. A figure is bad at its limit and above: the setting health_<kind>; 0: no limit.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[], most numeric, is_bad boolean). value is null where the figure is not
--   available; most is the limit, null where there is none.
-- Errors: none.
create or replace function private.health_figures()
returns table (kind text, value numeric, names text[], most numeric, is_bad boolean)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with found as materialized (
    select b.* from private.bot_figures() as b
    union all
    select e.* from private.extension_figures() as e
    union all
    select s.* from private.session_figures() as s
    union all
    select t.* from private.storage_figures() as t
    union all
    select c.* from private.schema_figures() as c
    union all
    select m.* from private.migration_figures() as m
  )
  select f.kind, round(f.value, 2), f.names, m.most, coalesce(f.value >= m.most, false)
    from found as f
    cross join lateral (select nullif(private.setting('health_' || f.kind)::numeric, 0) as most) as m
   order by f.kind;
end
$$;

revoke all on function private.health_figures from public, anon, authenticated, service_role;
comment on function private.health_figures is 'Measures this database''s health now';
