-- How many users of a cohort (those who started on a day) were active on day 1 to 30 after it. A trigger of users counts each user
-- once a day (private.count_active_users); daily_totals.new_users has the size of the cohorts.

create table public.cohort_activity (
  cohort_day date not null,
  day_n smallint not null check (day_n between 1 and 30),
  shard smallint not null check (shard between 0 and 15),
  users bigint not null default 0 check (users >= 0),
  primary key (cohort_day, day_n, shard)
);

comment on table public.cohort_activity is 'Users of a cohort by the day after their start on which they were active; a figure is the sum over the shards';
comment on column public.cohort_activity.cohort_day is 'Day on which the users started';
comment on column public.cohort_activity.day_n is 'Days after it';
comment on column public.cohort_activity.shard is 'Spreads concurrent writers of one figure over sixteen rows';
alter table public.cohort_activity enable row level security;
revoke all on table public.cohort_activity from public, anon, authenticated, service_role;
