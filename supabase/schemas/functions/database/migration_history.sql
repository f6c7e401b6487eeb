-- Returns the runs of the database tool, newest first, each with the migrations and statements that it applied.
--
-- Concurrency: read-only, over the primary key and the index of the steps.
-- Locks: none.
-- Returns: jsonb
--   runs: [ {
--     id: bigint, kind: text, started_at: timestamptz, outcome: text, milliseconds: bigint | null
--     actor: text, git_commit: text | null, plan: text | null, backup: text | null
--     from_version: text | null, to_version: text | null, sqlstate: text | null, error: text | null
--     steps: [ {
--       version: text, name: text | null      (of the migration; null: it is not applied now)
--       statement: int | null             (null: the whole file in one transaction)
--       statements: int, outcome: text, milliseconds: bigint | null, lock_waits: int
--     } ]
--   } ]
-- Errors: none.
create or replace function private.migration_history(p_limit integer)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object('runs', (
    select coalesce(jsonb_agg(
        jsonb_build_object(
          'id', r.id, 'kind', r.kind, 'started_at', r.started_at, 'outcome', r.outcome,
          'milliseconds', round(extract(epoch from r.finished_at - r.started_at) * 1000)::bigint,
          'actor', r.actor, 'git_commit', r.git_commit, 'plan', r.plan, 'backup', r.backup,
          'from_version', r.from_version, 'to_version', r.to_version, 'sqlstate', r.sqlstate, 'error', r.error,
          'steps', (
            select coalesce(jsonb_agg(
                jsonb_build_object(
                  'version', s.version, 'name', m.name, 'statement', s.statement, 'statements', s.statements,
                  'outcome', s.outcome, 'milliseconds', s.milliseconds, 'lock_waits', s.lock_waits
                )
                order by s.id
              ), '[]'::jsonb)
              from private.migration_steps as s
              left join supabase_migrations.schema_migrations as m on m.version = s.version
             where s.run = r.id
          )
        )
        order by r.id desc
      ), '[]'::jsonb)
      from (
        select * from private.migration_runs as n order by n.id desc limit least(greatest(p_limit, 1), 500)
      ) as r
  ));
end
$$;

revoke all on function private.migration_history from public, anon, authenticated, service_role;
comment on function private.migration_history is 'Returns the runs of the database tool with their steps';
