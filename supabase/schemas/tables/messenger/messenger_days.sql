-- What the team did in conversations, counted per day, bot and member: replies, how long users waited, ratings.

create table public.messenger_days (
  day date not null,
  bot text not null,
  operator_id bigint not null,
  replies integer not null default 0,
  answered integer not null default 0,
  waited_seconds bigint not null default 0,
  late integer not null default 0,
  closed integer not null default 0,
  ratings integer not null default 0,
  rating_sum integer not null default 0,
  primary key (day, bot, operator_id)
);

comment on table public.messenger_days is 'What the team did in conversations, counted per day';
comment on column public.messenger_days.day is 'Day in the time zone of the setting quota_timezone';
comment on column public.messenger_days.operator_id is 'users.id of the member; stays when they are erased';
comment on column public.messenger_days.answered is 'Replies to users who waited';
comment on column public.messenger_days.waited_seconds is 'How long these users waited in all';
comment on column public.messenger_days.late is 'How many of them waited longer than the setting messenger_late_minutes';
alter table public.messenger_days enable row level security;
revoke all on table public.messenger_days from public, anon, authenticated, service_role;
