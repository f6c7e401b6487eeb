-- What users asked to be reminded of, and when.
--
-- A moment by the clock ("tomorrow at 9") has day and time_of_day, and moves with the user's time zone. A moment counted from
-- now ("in 2 hours") has neither.

create table public.reminders (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null check (bot <> ''),
  words text not null check (length(words) between 1 and 1000),
  day date,
  time_of_day time,
  due_at timestamptz not null,
  sent_at timestamptz,
  asked_at timestamptz,
  asked_by text,
  reference text not null,
  created_at timestamptz not null default private.clock(),
  unique (user_id, reference),
  constraint reminders_clock_check check ((day is null) = (time_of_day is null))
);

create index reminders_user_idx on public.reminders (user_id, bot, due_at) where sent_at is null;
create index reminders_due_idx on public.reminders (due_at) where sent_at is null;
create index reminders_sent_idx on public.reminders (sent_at) where sent_at is not null;

comment on table public.reminders is 'What users asked to be reminded of, and when';
comment on column public.reminders.day is 'Day of the user''s clock; null: counted from when it was set';
comment on column public.reminders.time_of_day is 'Time of the user''s clock';
comment on column public.reminders.asked_at is 'When its words were last asked as a question';
comment on column public.reminders.asked_by is 'Idempotency key of the update that asked them';
comment on column public.reminders.reference is 'Idempotency key of the update that set it';
alter table public.reminders enable row level security;
revoke all on table public.reminders from public, anon, authenticated, service_role;
revoke all on sequence public.reminders_id_seq from public, anon, authenticated, service_role;
