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
