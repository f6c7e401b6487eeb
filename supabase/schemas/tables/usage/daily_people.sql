-- How many people were active, by day. Counters that follow users.active_on by themselves
-- (private.count_active_people), so nobody ever counts people.
--
-- Sums over a day's sixteen rows:
--   active       people who were active on that day
--   last_active  people whose last active day it is so far: over the last n days together, exactly the people
--                active within these n days; a person is in one day's row only and moves on with every new day
-- The rows of day -infinity are no day: their last_active is everybody there is.
-- `shard` means nothing: sixteen rows take the writers of one figure, so that they do not wait for each other.

create table public.daily_people (
  day date not null,
  -- squawk-ignore prefer-bigint-over-smallint
  shard smallint not null check (shard between 0 and 15),
  active bigint not null default 0 check (active >= 0),
  last_active bigint not null default 0 check (last_active >= 0),
  primary key (day, shard)
);

comment on table public.daily_people is 'How many people were active, by day; a figure is the sum of its column';
comment on column public.daily_people.day is 'A day in the time zone of the setting quota_timezone; -infinity for everybody there is';
comment on column public.daily_people.shard is 'Means nothing: it spreads the writers of one figure over sixteen rows';
comment on column public.daily_people.active is 'People active on that day';
comment on column public.daily_people.last_active is 'People whose last active day it is so far';
alter table public.daily_people enable row level security;
revoke all on table public.daily_people from public, anon, authenticated, service_role;
