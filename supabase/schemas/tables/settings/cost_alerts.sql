-- Deduplicates alarms about daily cost limits: the last day on which the admins were alerted, per bot and kind of limit.

create table private.cost_alerts (
  bot text not null,
  kind text not null check (kind in ('user_cost', 'bot_cost')),
  day date not null,
  primary key (bot, kind)
);

comment on table private.cost_alerts is 'Last day on which the admins were alerted about a daily cost limit';
alter table private.cost_alerts enable row level security;
revoke all on table private.cost_alerts from public, anon, authenticated, service_role;
