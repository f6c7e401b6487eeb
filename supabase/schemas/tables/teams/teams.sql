-- Teams of a trainer bot: managers assign trainings to the members and see their results.

create table public.teams (
  id bigint generated always as identity primary key,
  bot text not null check (bot <> ''),
  name text not null check (length(name) between 1 and 60),
  code text not null unique default private.random_code(),
  time_zone text not null,
  reference text not null unique,
  notices integer not null default 0 check (notices >= 0),
  notices_on date,
  created_at timestamptz not null default private.clock()
);

comment on table public.teams is 'Teams of a trainer bot';
comment on column public.teams.code is 'What the invite link holds; renewing it makes earlier links invalid';
comment on column public.teams.time_zone is 'IANA time zone in which the day of a deadline ends';
comment on column public.teams.notices is 'Messages to the managers about new members on the day notices_on (setting team_daily_notices)';
comment on column public.teams.reference is 'Idempotency key: the update that created it';
alter table public.teams enable row level security;
revoke all on table public.teams from public, anon, authenticated, service_role;
revoke all on sequence public.teams_id_seq from public, anon, authenticated, service_role;
