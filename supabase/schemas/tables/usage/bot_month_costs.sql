-- What each bot spent on AI calls in a month, up to a day: a counter of the days of daily_totals that are over, so that the
-- monthly budget sums two days and not a month. private.bot_month_cost moves it on.

create table private.bot_month_costs (
  bot text not null,
  month date not null,
  through date not null,
  cost numeric(18, 8) not null,
  primary key (bot, month)
);

comment on table private.bot_month_costs is 'What each bot spent on AI calls in a month, up to a day';
comment on column private.bot_month_costs.through is 'Last day that is included, in the time zone of the setting quota_timezone';
comment on column private.bot_month_costs.cost is 'US dollars, without calls on user API keys and what users paid for from their balance';
alter table private.bot_month_costs enable row level security;
revoke all on table private.bot_month_costs from public, anon, authenticated, service_role;
