-- Which environment of supabase/environments.toml this database is; written by `./switchboard database init` or by the first
-- `sync`. A command that names another environment stops before it changes anything.

create table private.database_identity (
  environment text primary key check (environment ~ '^[a-z][a-z0-9_-]{0,39}$'),
  is_protected boolean not null,
  named_at timestamptz not null default private.clock(),
  behind_since timestamptz,
  only_row boolean not null default true unique check (only_row)
);

comment on table private.database_identity is 'The environment that this database is';
comment on column private.database_identity.behind_since is
  'Since when `status --record` finds that migrations are missing here; null: none is';
alter table private.database_identity enable row level security;
revoke all on table private.database_identity from public, anon, authenticated, service_role;
