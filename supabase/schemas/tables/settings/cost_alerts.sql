-- On which day the admins were last told that a daily cost limit stopped questions of a bot.

create table private.cost_alerts (
  bot text not null,
  kind text not null check (kind in ('user_cost', 'bot_cost')),
  day date not null,
  primary key (bot, kind)
);

comment on table private.cost_alerts is 'When the admins were last told of a daily cost limit';
alter table private.cost_alerts enable row level security;
revoke all on table private.cost_alerts from public, anon, authenticated, service_role;
