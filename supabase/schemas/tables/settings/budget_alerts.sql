-- Deduplicates alarms about monthly budgets: one for each bot, budget, month and share of it.

create table private.budget_alerts (
  bot text not null,
  kind text not null check (kind in ('user_month', 'bot_month')),
  month date not null,
  percent integer not null check (percent between 1 and 100),
  primary key (bot, kind, month, percent)
);

comment on table private.budget_alerts is 'Which shares of monthly budgets the admins were alerted about';
alter table private.budget_alerts enable row level security;
revoke all on table private.budget_alerts from public, anon, authenticated, service_role;
