-- Learners in a lesson: what they watched, for how long, and whether they completed it.

create table public.lesson_progress (
  user_id bigint not null references public.users (id) on delete cascade,
  lesson_id bigint not null references public.lessons (id),
  completed boolean not null default false,
  completed_at timestamptz,
  time_spent_seconds integer not null default 0 check (time_spent_seconds >= 0),
  position_seconds integer not null default 0 check (position_seconds >= 0),
  watched int4multirange not null default '{}',
  watched_seconds integer not null default 0 check (watched_seconds >= 0),
  last_beat_at timestamptz,
  credited_until timestamptz,
  playback_id text,
  opened_at timestamptz not null default private.clock(),
  primary key (user_id, lesson_id),
  check (completed = (completed_at is not null))
);

create index lesson_progress_lesson_idx on public.lesson_progress (lesson_id, completed);

comment on table public.lesson_progress is 'Learners in a lesson';
comment on column public.lesson_progress.completed_at is 'When its rule was first met; later changes of the lesson leave it';
comment on column public.lesson_progress.time_spent_seconds is 'Wall-clock time with the video playing';
comment on column public.lesson_progress.position_seconds is 'Where the video stopped';
comment on column public.lesson_progress.watched is 'Seconds of the video that were played, each counted once';
comment on column public.lesson_progress.watched_seconds is 'Length of watched';
comment on column public.lesson_progress.last_beat_at is 'Time of the last report of the player';
comment on column public.lesson_progress.playback_id is 'Player of the last report: a page that was opened';
comment on column public.lesson_progress.credited_until is 'Up to when the time that passed is used up by credited seconds, two a second';
alter table public.lesson_progress enable row level security;
revoke all on table public.lesson_progress from public, anon, authenticated, service_role;
