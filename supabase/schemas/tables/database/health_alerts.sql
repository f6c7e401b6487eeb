-- Deduplicates alarms about this database's health: one row for each kind of figure, with its last alarm.

create table private.health_alerts (
  kind text primary key,
  alerted_at timestamptz not null,
  resolved_at timestamptz
);

comment on table private.health_alerts is 'When the admins were last alerted about each figure of this database''s health';
comment on column private.health_alerts.resolved_at is 'When the figure was below its limit again; null: not yet';
alter table private.health_alerts enable row level security;
revoke all on table private.health_alerts from public, anon, authenticated, service_role;
