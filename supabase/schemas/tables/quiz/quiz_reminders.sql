-- Users who asked to be reminded of the day's challenge, and when next.

create table public.quiz_reminders (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  hour smallint not null check (hour between 0 and 23),
  time_zone text not null,
  next_at timestamptz not null,
  reminded_on date,
  primary key (user_id, bot)
);

create index quiz_reminders_due_idx on public.quiz_reminders (next_at);

comment on table public.quiz_reminders is 'Users who asked to be reminded of the day''s challenge';
comment on column public.quiz_reminders.hour is 'Hour of the user''s day';
comment on column public.quiz_reminders.time_zone is 'IANA zone that next_at was computed for';
comment on column public.quiz_reminders.reminded_on is 'Day of the challenge of the last reminder';
alter table public.quiz_reminders enable row level security;
revoke all on table public.quiz_reminders from public, anon, authenticated, service_role;
