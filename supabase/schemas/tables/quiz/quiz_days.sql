-- A user's answers by day, in the zone of the setting quota_timezone.

create table public.quiz_days (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  day date not null,
  answers integer not null default 0 check (answers >= 0),
  right_answers integer not null default 0 check (right_answers between 0 and answers),
  primary key (user_id, bot, day)
);

comment on table public.quiz_days is 'Users'' answers by day';
alter table public.quiz_days enable row level security;
revoke all on table public.quiz_days from public, anon, authenticated, service_role;
