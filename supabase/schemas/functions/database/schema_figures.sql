-- Measures the schemas public and private: indexes of a megabyte and more that no query used, invalid indexes, constraints that
-- were never validated, foreign keys without an index, the fullest sequence, and partitions of api_usage that are missing for
-- this month and the next.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[]); value is null of unused indexes until the statistics cover a week:
--   since they were reset, or else since the server started.
-- Errors: none.
create or replace function private.schema_figures()
returns table (kind text, value numeric, names text[])
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
  with ours as (
    select c.oid, c.relname, format('%s.%s', n.nspname, c.relname) as name
      from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
     where n.nspname in ('public', 'private')
  ), counted as (
    select coalesce(d.stats_reset, pg_postmaster_start_time()) < private.clock() - interval '7 days' as is_long
      from pg_catalog.pg_stat_database as d
     where d.datname = current_database()
  ), found as (
    select 'unused_indexes' as kind, o.name
      from pg_catalog.pg_index as i
      join ours as o on o.oid = i.indexrelid
      join pg_catalog.pg_stat_user_indexes as s on s.indexrelid = i.indexrelid
     where s.idx_scan = 0 and not i.indisunique and not i.indisexclusion and pg_relation_size(i.indexrelid) >= 1048576
    union all
    select 'invalid_indexes', o.name
      from pg_catalog.pg_index as i
      join ours as o on o.oid = i.indexrelid
     where not i.indisvalid
    union all
    select 'unvalidated_constraints', format('%s.%s', o.name, k.conname)
      from pg_catalog.pg_constraint as k
      join ours as o on o.oid = k.conrelid
     where not k.convalidated
    union all
    select 'unindexed_foreign_keys', format('%s.%s', o.name, k.conname)
      from pg_catalog.pg_constraint as k
      join ours as o on o.oid = k.conrelid
     where k.contype = 'f'
       and not exists (
         select from pg_catalog.pg_index as i
          where i.indrelid = k.conrelid
            and i.indisvalid
            and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
       )
    union all
    select 'missing_partitions', format('public.api_usage_%s', to_char(m.month, 'YYYY_MM'))
      from (select date_trunc('month', private.clock()) + make_interval(months => n.n) as month
              from generate_series(0, 1) as n (n)) as m
     where to_regclass(format('public.api_usage_%s', to_char(m.month, 'YYYY_MM'))) is null
  ), sequences as (
    select format('%s.%s', s.schemaname, s.sequencename) as name, s.last_value * 100.0 / s.max_value as percent
      from pg_catalog.pg_sequences as s
     where s.schemaname in ('public', 'private') and s.last_value is not null and s.increment_by > 0
  )
  select k.kind, case when k.kind <> 'unused_indexes' or c.is_long then count(f.name)::numeric end,
         coalesce((array_agg(f.name order by f.name) filter (where f.name is not null))[1:5], '{}')
    from (
      values ('unused_indexes'), ('invalid_indexes'), ('unvalidated_constraints'), ('unindexed_foreign_keys'),
      ('missing_partitions')
    ) as k (kind)
    cross join counted as c
    left join found as f on f.kind = k.kind and (k.kind <> 'unused_indexes' or c.is_long)
   group by k.kind, c.is_long
  union all
  select 'sequences_percent', coalesce(max(s.percent), 0),
         coalesce((array_agg(s.name order by s.percent desc, s.name) filter (where s.percent >= 50))[1:5], '{}')
    from sequences as s;
$$;

revoke all on function private.schema_figures from public, anon, authenticated, service_role;
comment on function private.schema_figures is 'Measures indexes, constraints and sequences of this database';
