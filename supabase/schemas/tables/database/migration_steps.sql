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
