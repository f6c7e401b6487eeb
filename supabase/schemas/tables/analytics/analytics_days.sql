-- Finished days whose figures the job `analytics` has summed.

create table public.analytics_days (
  day date primary key,
  recorded_at timestamptz not null default private.clock(),
  active_day bigint,
  active_week bigint,
  active_month bigint,
  users bigint
);

comment on table public.analytics_days is 'Finished days whose figures are summed';
comment on column public.analytics_days.active_day is 'Users active on the day; null: a day before counting began, as in the next three';
comment on column public.analytics_days.active_week is 'Users active on the 7 days that end with it, as of the night after';
comment on column public.analytics_days.active_month is 'Users active on the 30 days that end with it, as of the night after';
comment on column public.analytics_days.users is 'All users at its end';
alter table public.analytics_days enable row level security;
revoke all on table public.analytics_days from public, anon, authenticated, service_role;
