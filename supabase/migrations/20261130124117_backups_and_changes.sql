-- Backups and changes.

alter table private.backups add column stored_at timestamp with time zone;
update private.backups set stored_at = taken_at; -- a few rows

alter table private.catalogue_snapshots add column fingerprint text;

alter table private.database_identity add column behind_since timestamp with time zone;

-- Returns a hash of what the schemas public and private consist of. It changes with a table, column, constraint, index, trigger,
-- policy, view, type, function, right or owner; not with rows, dated partitions, or what belongs to an extension.
-- `./switchboard database drift` says what differs.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.catalogue_fingerprint()
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with relations as (
    select c.*
      from pg_catalog.pg_class as c
      join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
     where n.nspname in ('public', 'private')
       and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
       and not (c.relispartition and pg_get_expr(c.relpartbound, c.oid) is distinct from 'DEFAULT')
       and not exists (
         select from pg_catalog.pg_depend as d
          where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
       )
  ), entries (entry) as (
    select concat_ws(
             '|', r.oid::regclass, r.relkind, r.relrowsecurity, r.relforcerowsecurity, r.relowner::regrole, r.relacl,
             r.reloptions, case when r.relkind in ('v', 'm') then pg_get_viewdef(r.oid) end
           )
      from relations as r
    union all
    select concat_ws(
             '|', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
             a.attacl, pg_get_expr(d.adbin, d.adrelid)
           )
      from relations as r
      join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
      left join pg_catalog.pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where r.relkind <> 'S'
    union all
    select concat_ws('|', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid), c.convalidated)
      from pg_catalog.pg_constraint as c
      join relations as r on r.oid = c.conrelid
    union all
    select concat_ws('|', pg_get_indexdef(i.indexrelid), i.indisvalid)
      from pg_catalog.pg_index as i
      join relations as r on r.oid = i.indrelid
    union all
    select concat_ws('|', pg_get_triggerdef(t.oid), t.tgenabled)
      from pg_catalog.pg_trigger as t
      join relations as r on r.oid = t.tgrelid
     where not t.tgisinternal
    union all
    select concat_ws(
             '|', p.polrelid::regclass, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[],
             pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
           )
      from pg_catalog.pg_policy as p
      join relations as r on r.oid = p.polrelid
    union all
    select concat_ws('|', p.oid::regprocedure, p.proowner::regrole, p.proacl, md5(pg_get_functiondef(p.oid)))
      from pg_catalog.pg_proc as p
      join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
     where n.nspname in ('public', 'private') and p.prokind <> 'a'
       and not exists (
         select from pg_catalog.pg_depend as d
          where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e'
       )
    union all
    select concat_ws('|', e.enumtypid::regtype, e.enumsortorder, e.enumlabel)
      from pg_catalog.pg_enum as e
      join pg_catalog.pg_type as t on t.oid = e.enumtypid
      join pg_catalog.pg_namespace as n on n.oid = t.typnamespace
     where n.nspname in ('public', 'private')
    union all
    select concat_ws('|', n.nspname, n.nspowner::regrole, n.nspacl)
      from pg_catalog.pg_namespace as n
     where n.nspname in ('public', 'private')
  )
  select md5(string_agg(e.entry, chr(10) order by e.entry collate "C")) from entries as e;
$$;

revoke all on function private.catalogue_fingerprint from public, anon, authenticated, service_role;
comment on function private.catalogue_fingerprint is 'Returns a hash of what the schemas public and private consist of';

-- Measures what not every database has: the slowest statement of pg_stat_statements (its mean, of those called a hundred times;
-- its name is the query id, never the text), failed runs of pg_cron in 24 hours, and the age of the last backup.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (kind text, value numeric, names text[]); value is null where the extension, the table or the right is missing.
-- Errors: none.
create or replace function private.extension_figures()
returns table (kind text, value numeric, names text[])
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_schema text;
begin
  kind := 'slow_statement_milliseconds';
  begin
    select n.nspname into v_schema
      from pg_catalog.pg_extension as e
      join pg_catalog.pg_namespace as n on n.oid = e.extnamespace
     where e.extname = 'pg_stat_statements';
    if found then
      execute format(
        'select max(t.mean), coalesce(array_agg(t.queryid::text order by t.mean desc), ''{}'')
           from (
             select s.queryid, s.mean_exec_time::numeric as mean
               from %I.pg_stat_statements as s
               join pg_catalog.pg_database as d on d.oid = s.dbid
              where d.datname = current_database() and s.calls >= 100 and s.queryid is not null
              order by s.mean_exec_time desc
              limit 5
           ) as t',
        v_schema
      ) into value, names;
    end if;
  exception
    when undefined_table or undefined_column or undefined_function or insufficient_privilege or feature_not_supported
      or object_not_in_prerequisite_state then
      value := null;
  end;
  names := coalesce(names, '{}');
  return next;

  kind := 'cron_failures';
  value := null;
  names := '{}';
  begin
    select n.nspname into v_schema from pg_catalog.pg_namespace as n where n.nspname = 'cron';
    if to_regclass('cron.job_run_details') is not null then
      execute format('select coalesce(sum(t.runs), 0), coalesce((array_agg(''job '' || t.jobid order by t.jobid))[1:5], ''{}'')
        from (
          select r.jobid, count(*) as runs
            from %I.job_run_details as r
           where r.status = ''failed'' and r.start_time > $1
           group by r.jobid
        ) as t', v_schema) into value, names using private.clock() - interval '1 day';
    end if;
  exception when undefined_table or undefined_column or insufficient_privilege then
    value := null;
  end;
  return next;

  kind := 'backup_hours';
  value := null;
  names := '{}';
  select extract(epoch from private.clock() - max(b.taken_at)) / 3600 into value
    from private.backups as b
   where b.stored_at is not null and b.deleted_at is null;
  return next;
end
$$;

revoke all on function private.extension_figures from public, anon, authenticated, service_role;
comment on function private.extension_figures is 'Measures what not every database has: statements, cron, backups';

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

comment on column private.backups.stored_at is 'When it was whole in its place; null: being written, or left by a killed command';

comment on column private.catalogue_snapshots.fingerprint is 'private.catalogue_fingerprint() at that time';

comment on column private.database_identity.behind_since is 'Since when `status --record` finds that migrations are missing here; null: none is';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_changes_by_hand", "about": "Alert: 1 when something was changed by hand since the last migration; 0: no alert", "value": 1}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_environment_behind_hours", "about": "Alert: hours since when migrations are missing here; 0: no alert", "value": 24}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "health_overdue_backups", "about": "Alert: backups that should have been deleted two days ago; 0: no alert", "value": 1}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "retention_backups_days", "about": "Days that erased users stay in backups of this database, written by `./switchboard database backup`; 0: no backups", "value": 0}') on conflict do nothing;
