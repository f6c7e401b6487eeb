-- Days in a row on which users finished something in any bot, by the dates of their own time zone.

create table public.streaks (
  user_id bigint primary key references public.users (id) on delete cascade,
  time_zone text,
  next_time_zone text,
  zone_changes_at timestamptz,
  zone_changed_at timestamptz,
  current integer not null default 0 check (current >= 0),
  longest integer not null default 0 check (longest >= current),
  last_day date,
  last_bot text,
  freezes integer not null default 0 check (freezes between 0 and 2),
  grace_used boolean not null default false,
  excused_on date,
  paused_on date,
  check ((next_time_zone is null) = (zone_changes_at is null))
);

comment on table public.streaks is 'Days in a row on which users finished something';
comment on column public.streaks.time_zone is 'IANA name; null: the setting quota_timezone';
comment on column public.streaks.next_time_zone is 'Applies from zone_changes_at on, the next midnight of the old zone';
comment on column public.streaks.zone_changed_at is 'When the time zone changed last: at most once in 24 hours';
comment on column public.streaks.current is 'Days up to last_day; later days may have broken the streak since (private.streak_state)';
comment on column public.streaks.last_day is 'Last local date that counted';
comment on column public.streaks.last_bot is 'The bot of the last activity';
comment on column public.streaks.freezes is 'Missed days that the streak survives; one is earned every 7 days';
comment on column public.streaks.grace_used is 'Whether this streak has counted an activity before 03:00 for the day before';
comment on column public.streaks.excused_on is 'First day in a new time zone, which was shorter: missing it breaks nothing';
comment on column public.streaks.paused_on is 'Local date on which the user paused the streak; null: it runs';
alter table public.streaks enable row level security;
revoke all on table public.streaks from public, anon, authenticated, service_role;
