-- Database environments.

-- What the database consisted of at the end of a run, one entry for each thing that can differ (tools/database/catalogue.sql).
-- Whatever differs from the newest snapshot was changed by hand. The tool keeps the newest five.

create table private.catalogue_snapshots (
  id bigint generated always as identity primary key,
  taken_at timestamptz not null default private.clock(),
  version text not null,
  hash text not null,
  entries jsonb not null
);

comment on table private.catalogue_snapshots is 'What the database consisted of at the end of a run of the database tool';
alter table private.catalogue_snapshots enable row level security;
revoke all on table private.catalogue_snapshots from public, anon, authenticated, service_role;

-- Which environment of supabase/environments.toml this database is; written by `./switchboard database init` or by the first
-- `sync`. A command that names another environment stops before it changes anything.

create table private.database_identity (
  environment text primary key check (environment ~ '^[a-z][a-z0-9_-]{0,39}$'),
  is_protected boolean not null,
  named_at timestamptz not null default private.clock(),
  only_row boolean not null default true unique check (only_row)
);

comment on table private.database_identity is 'The environment that this database is';
alter table private.database_identity enable row level security;
revoke all on table private.database_identity from public, anon, authenticated, service_role;

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

-- The parts of a run: a migration file in one transaction (statement is null), or one statement of a file that no transaction
-- can hold (create index concurrently). The step of such a statement is written before it starts: after a crash it says where
-- to continue, unless a later row says that the file was abandoned.

create table private.migration_steps (
  id bigint generated always as identity primary key,
  run bigint not null references private.migration_runs (id),
  version text not null,
  checksum text not null,
  statement int,
  statements int not null,
  started_at timestamptz not null default private.clock(),
  milliseconds bigint,
  lock_waits int not null default 0,
  outcome text not null default 'running' check (outcome in ('running', 'done', 'failed', 'abandoned'))
);

comment on table private.migration_steps is 'Migrations and single statements that a run of the database tool applied';
alter table private.migration_steps enable row level security;
revoke all on table private.migration_steps from public, anon, authenticated, service_role;

create index migration_steps_run on private.migration_steps (run);
create index migration_steps_version on private.migration_steps (version);

create trigger closed_steps_are_immutable before update or delete on private.migration_steps
for each row when (old.outcome in ('done', 'abandoned')) execute function private.refuse_change();
