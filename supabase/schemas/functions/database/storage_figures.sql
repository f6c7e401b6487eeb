-- Measures how this database is stored: reads that missed the cache, the age of its oldest transaction id, its size and growth
-- in a day, dead rows, and WAL that replication slots keep.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[]); value is null where too little is known yet: of the cache before
--   100,000 reads, of the growth before samples of a day.
-- Errors: none.
create or replace function private.storage_figures()
returns table (kind text, value numeric, names text[])
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with size as (
    select pg_database_size(current_database()) / 1048576.0 as megabytes
  ), dead as (
    select format('%s.%s', t.schemaname, t.relname) as name, t.n_dead_tup * 100.0 / (t.n_live_tup + t.n_dead_tup) as percent
      from pg_catalog.pg_stat_user_tables as t
     where t.schemaname in ('public', 'private') and t.n_dead_tup >= 50000
  ), slots as (
    select s.slot_name::text as name,
           case when not pg_is_in_recovery() then pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn) end as bytes
      from pg_catalog.pg_replication_slots as s
     where s.restart_lsn is not null
  )
  select 'cache_miss_percent',
         case when d.blks_hit + d.blks_read >= 100000 then d.blks_read * 100.0 / (d.blks_hit + d.blks_read) end,
         array[]::text[]
    from pg_catalog.pg_stat_database as d
   where d.datname = current_database()
  union all
  select 'wraparound_percent', age(d.datfrozenxid) * 100.0 / 2147483648, array[]::text[]
    from pg_catalog.pg_database as d
   where d.datname = current_database()
  union all
  select 'size_megabytes', s.megabytes, array[]::text[] from size as s
  union all
  select 'growth_megabytes',
         s.megabytes - (
           select h.value
             from private.health_samples as h
            where h.kind = 'size_megabytes' and h.at <= private.clock() - interval '1 day'
              and h.at > private.clock() - interval '2 days'
            order by h.at desc
            limit 1
         ),
         array[]::text[]
    from size as s
  union all
  select 'dead_rows_percent', coalesce(max(d.percent), 0),
         coalesce((array_agg(d.name order by d.percent desc, d.name))[1:5], '{}')
    from dead as d
  union all
  select 'slot_megabytes', coalesce(max(s.bytes), 0) / 1048576,
         coalesce((array_agg(s.name order by s.bytes desc, s.name))[1:5], '{}')
    from slots as s;
$$;

revoke all on function private.storage_figures from public, anon, authenticated, service_role;
comment on function private.storage_figures is 'Measures how this database is stored';
