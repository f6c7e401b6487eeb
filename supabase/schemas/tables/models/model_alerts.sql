-- Deduplicates alarms about models that end: for each model and number of days before its end the admins are alerted once, and
-- again when the provider moves the day. days 0: the model is gone.

create table private.model_alerts (
  provider text not null,
  model text not null,
  days integer not null check (days >= 0),
  shutdown_on date,
  primary key (provider, model, days)
);

comment on table private.model_alerts is 'Which ends of AI models the admins were alerted about';
comment on column private.model_alerts.days is 'Value of the setting model_warning_days; 0: the model is gone';
alter table private.model_alerts enable row level security;
revoke all on table private.model_alerts from public, anon, authenticated, service_role;
