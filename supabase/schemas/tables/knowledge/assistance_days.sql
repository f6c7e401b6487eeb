-- What the AI's help for operators cost per bot and day, of the time zone of quotas (setting assistance_daily_cost).

create table public.assistance_days (
  bot text not null,
  day date not null,
  calls integer not null,
  cost numeric(14, 8) not null,
  primary key (bot, day)
);

comment on table public.assistance_days is 'What the AI''s help for operators cost per bot and day';
comment on column public.assistance_days.cost is 'US dollars; calls in progress, and those that were cut off, count with the most that they may cost';
alter table public.assistance_days enable row level security;
revoke all on table public.assistance_days from public, anon, authenticated, service_role;
