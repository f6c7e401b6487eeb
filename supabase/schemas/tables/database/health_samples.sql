-- Figures of this database's health, written by the job `health` (public.record_health) and kept for health_samples_days. They
-- name objects and roles of the database, and nothing of users.

create table private.health_samples (
  kind text not null,
  at timestamptz not null,
  value numeric,
  names text[] not null default '{}',
  primary key (kind, at)
);

-- The newest figures, and those past their retention.
create index health_samples_at_idx on private.health_samples (at);

comment on table private.health_samples is 'Figures of this database''s health over time';
comment on column private.health_samples.value is 'In the unit that the kind ends with; null: not available here';
comment on column private.health_samples.names is 'Objects and roles of the database that the figure is about, at most five';
alter table private.health_samples enable row level security;
revoke all on table private.health_samples from public, anon, authenticated, service_role;
