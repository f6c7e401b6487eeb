-- Measures how this database stands to its migrations and backups: 1 when something was changed by hand since the last snapshot, the
-- hours since when migrations are missing here, and the backups that should have been deleted two days ago.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[]); names are empty. Changes by hand are null before the first fingerprint and
--   while a run of the database tool changes the database; the hours where nothing named the database.
-- Errors: none.
create or replace function private.migration_figures()
returns table (kind text, value numeric, names text[])
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select 'changes_by_hand',
         (
           select case when s.fingerprint <> private.catalogue_fingerprint() then 1 else 0 end
             from (select c.fingerprint from private.catalogue_snapshots as c order by c.id desc limit 1) as s
            where s.fingerprint is not null
              and not exists (
                select from private.migration_runs as r
                 where r.outcome = 'running' and r.started_at > private.clock() - interval '1 day'
              )
         ),
         array[]::text[]
  union all
  select 'environment_behind_hours',
         (
           select coalesce(extract(epoch from private.clock() - i.behind_since) / 3600, 0)
             from private.database_identity as i
         ),
         array[]::text[]
  union all
  select 'overdue_backups', count(*), array[]::text[]
    from private.backups as b
   where b.stored_at is not null and b.deleted_at is null
     and nullif(private.setting('retention_backups_days')::integer, 0) is not null
     and b.taken_at < private.clock() - make_interval(days => private.setting('retention_backups_days')::integer + 2);
$$;

revoke all on function private.migration_figures from public, anon, authenticated, service_role;
comment on function private.migration_figures is 'Measures how this database stands to its migrations and backups';
