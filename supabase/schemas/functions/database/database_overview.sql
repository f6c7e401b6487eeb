-- Returns how this database stands: its name, version, newest run, what stopped half-way, the snapshot that changes by hand are
-- compared with, and its backups.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   environment: text | null       (name of this database; null: it has none)
--   server: text                   (version of Postgres)
--   megabytes: numeric
--   version: text | null           (of the newest migration; null: no history)
--   name: text | null              (of that migration)
--   applied: int                   (number of migrations)
--   half_done: [ text ]            (versions that stopped between their statements)
--   last_run: {
--     kind: text, started_at: timestamptz, outcome: text, milliseconds: bigint | null, actor: text
--   } | null
--   snapshot: { at: timestamptz, version: text, entries: int } | null
--   alarms: [ text ]               (figures of the health whose alarm lasts)
--   backups: [ {                   (those that are kept, newest first, 30 at most)
--     taken_at: timestamptz, version: text, place: text, bytes: bigint, kept_for: text, verified_at: timestamptz | null
--   } ]
-- Errors: none.
create or replace function private.database_overview()
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_version text;
  v_name text;
  v_applied integer;
  v_half_done text[];
begin
  select count(*) into v_applied from supabase_migrations.schema_migrations as m;
  select m.version, m.name into v_version, v_name
    from supabase_migrations.schema_migrations as m
   order by m.version desc
   limit 1;
  v_half_done := array(
    select distinct s.version
      from private.migration_steps as s
     where s.statement is not null
       and not exists (select from supabase_migrations.schema_migrations as m where m.version = s.version)
       and not exists (
         select
           from private.migration_steps as a
           join private.migration_runs as r on r.id = a.run
          where a.version = s.version
            and a.id > s.id
            and (a.outcome = 'abandoned' or (r.kind = 'rollback' and a.outcome = 'done'))
       )
     order by s.version
  );
  return jsonb_build_object(
    'environment', (select i.environment from private.database_identity as i),
    'server', current_setting('server_version'),
    'megabytes', round(pg_database_size(current_database()) / 1000000.0, 1)::text,
    'version', v_version,
    'name', v_name,
    'applied', v_applied,
    'half_done', to_jsonb(v_half_done),
    'last_run', (
      select jsonb_build_object(
          'kind', r.kind, 'started_at', r.started_at, 'outcome', r.outcome, 'actor', r.actor,
          'milliseconds', round(extract(epoch from r.finished_at - r.started_at) * 1000)::bigint
        )
        from private.migration_runs as r
       order by r.id desc
       limit 1
    ),
    'snapshot', (
      select jsonb_build_object(
          'at', c.taken_at, 'version', c.version, 'entries', (select count(*) from jsonb_object_keys(c.entries))
        )
        from private.catalogue_snapshots as c
       order by c.id desc
       limit 1
    ),
    'alarms', (
      select coalesce(jsonb_agg(a.kind order by a.kind), '[]'::jsonb)
        from private.health_alerts as a
       where a.resolved_at is null
    ),
    'backups', (
      select coalesce(jsonb_agg(to_jsonb(b) order by b.taken_at desc), '[]'::jsonb)
        from (
          select k.taken_at, k.version, k.place, k.bytes, k.kept_for, k.verified_at
            from private.backups as k
           where k.deleted_at is null
           order by k.taken_at desc
           limit 30
        ) as b
    )
  );
end
$$;

revoke all on function private.database_overview from public, anon, authenticated, service_role;
comment on function private.database_overview is 'Returns how this database stands: version, newest run, backups';
