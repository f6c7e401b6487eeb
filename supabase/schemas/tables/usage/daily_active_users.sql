-- Active users by day: counters that triggers keep equal to users.active_on (private.count_active_users), so that no query
-- counts users.
--
-- Sums over a day's sixteen rows:
--   active       users who were active on that day
--   last_active  users whose last active day it is so far: summed over the last n days, exactly the users active within
--                these n days, because a user is in the row of one day only and moves to every new active day
-- The rows of day -infinity count all users in last_active.
-- `shard` spreads concurrent writers of one figure over sixteen rows, so that they do not wait for each other's lock.

create table public.daily_active_users (
  day date not null,
  shard smallint not null check (shard between 0 and 15),
  active bigint not null default 0 check (active >= 0),
  last_active bigint not null default 0 check (last_active >= 0),
  primary key (day, shard)
);

comment on table public.daily_active_users is 'Active users by day; a figure is the sum of its column over the shards';
comment on column public.daily_active_users.day is 'Day in the time zone of the setting quota_timezone; -infinity: all users';
comment on column public.daily_active_users.shard is 'Spreads concurrent writers of one figure over sixteen rows';
comment on column public.daily_active_users.active is 'Users active on that day';
comment on column public.daily_active_users.last_active is 'Users whose last active day it is so far';
alter table public.daily_active_users enable row level security;
revoke all on table public.daily_active_users from public, anon, authenticated, service_role;
