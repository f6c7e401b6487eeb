-- What qualifications cost per bot and day, of the time zone of quotas (setting qualification_daily_cost).

create table public.qualification_days (
  bot text not null,
  day date not null,
  runs integer not null,
  cost numeric(14, 8) not null,
  primary key (bot, day)
);

comment on table public.qualification_days is 'What qualifications cost per bot and day';
comment on column public.qualification_days.cost is 'US dollars; runs in progress, and those that were cut off, count with the most that they may cost';
alter table public.qualification_days enable row level security;
revoke all on table public.qualification_days from public, anon, authenticated, service_role;
