-- Backups of this database: where each is, what was in it, and when a restore of it was found equal. Written by
-- `./switchboard database backup`.

create table private.backups (
  id bigint generated always as identity primary key,
  taken_at timestamptz not null default private.clock(),
  version text not null,
  place text not null,
  bytes bigint not null check (bytes > 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  kept_for text not null check (kept_for in ('daily', 'monthly', 'migration')),
  stored_at timestamptz,
  verified_at timestamptz,
  deleted_at timestamptz
);

create index backups_kept on private.backups (taken_at) where deleted_at is null;

comment on table private.backups is 'Backups of this database, and when each was restored on trial';
comment on column private.backups.stored_at is 'When it was whole in its place; null: being written, or left by a killed command';
alter table private.backups enable row level security;
revoke all on table private.backups from public, anon, authenticated, service_role;
