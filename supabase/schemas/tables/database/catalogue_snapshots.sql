-- What the database consisted of at the end of a run, one entry for each thing that can differ (tools/database/catalogue.sql).
-- Whatever differs from the newest snapshot was changed by hand. The tool keeps the newest five.

create table private.catalogue_snapshots (
  id bigint generated always as identity primary key,
  taken_at timestamptz not null default private.clock(),
  version text not null,
  hash text not null,
  entries jsonb not null,
  fingerprint text
);

comment on table private.catalogue_snapshots is 'What the database consisted of at the end of a run of the database tool';
comment on column private.catalogue_snapshots.fingerprint is 'private.catalogue_fingerprint() at that time';
alter table private.catalogue_snapshots enable row level security;
revoke all on table private.catalogue_snapshots from public, anon, authenticated, service_role;
