-- Each run of `./switchboard database` that changes this database: who, when, what for, and how it ended. Written on a second
-- connection, so that a failed run is kept. A run that ended no longer changes.

create table private.migration_runs (
  id bigint generated always as identity primary key,
  kind text not null check (kind in ('init', 'sync', 'adopt', 'resume', 'abandon', 'rollback', 'restore')),
  started_at timestamptz not null default private.clock(),
  finished_at timestamptz,
  outcome text not null default 'running' check (outcome in ('running', 'done', 'failed', 'died')),
  actor text not null,
  git_commit text,
  plan text,
  from_version text,
  to_version text,
  backup text,
  sqlstate text,
  error text,
  backend_pid int not null,
  backend_start timestamptz not null,
  check ((outcome = 'running') = (finished_at is null))
);

comment on table private.migration_runs is 'Runs of the database tool that change this database';
alter table private.migration_runs enable row level security;
revoke all on table private.migration_runs from public, anon, authenticated, service_role;

create index migration_runs_running on private.migration_runs (id) where outcome = 'running';

create trigger closed_runs_are_immutable before update or delete on private.migration_runs
for each row when (old.outcome <> 'running') execute function private.refuse_change();
