-- Learners in a course: where they stopped, whether they completed it, and reminders.

create table public.course_progress (
  user_id bigint not null references public.users (id) on delete cascade,
  course_id bigint not null references public.courses (id),
  started_at timestamptz not null default private.clock(),
  last_lesson_id bigint references public.lessons (id),
  last_active_at timestamptz not null default private.clock(),
  completed_at timestamptz,
  wants_reminders boolean not null default true,
  reminders integer not null default 0 check (reminders >= 0),
  releases_checked_at timestamptz,
  next_release_at timestamptz default 'epoch',
  primary key (user_id, course_id)
);

create index course_progress_course_idx on public.course_progress (course_id);
create index course_progress_lesson_idx on public.course_progress (last_lesson_id);
-- Learners to remind.
create index course_progress_idle_idx on public.course_progress (last_active_at)
where completed_at is null and wants_reminders and reminders < 2;
-- Lessons that open for users with a paid plan.
create index course_progress_release_idx on public.course_progress (next_release_at) where next_release_at is not null;

-- Figures of a day (private.ledger_learning).
create index course_progress_started_idx on public.course_progress (started_at);
create index course_progress_completed_idx on public.course_progress (completed_at) where completed_at is not null;

comment on table public.course_progress is 'Learners in a course';
comment on column public.course_progress.started_at is 'When the learner first opened it; without an enrollment, lessons are released by days count from it';
comment on column public.course_progress.last_lesson_id is 'The lesson that was open last: where to continue';
comment on column public.course_progress.completed_at is 'When all required lessons were first completed; lessons added later leave it';
comment on column public.course_progress.wants_reminders is 'Whether an idle learner is reminded';
comment on column public.course_progress.reminders is 'Reminders since last_active_at';
comment on column public.course_progress.releases_checked_at is 'With a paid plan: until when lessons that opened were announced; null: since started_at';
comment on column public.course_progress.next_release_at is 'With a paid plan: when to look next for lessons that opened; null: after the next visit';
alter table public.course_progress enable row level security;
revoke all on table public.course_progress from public, anon, authenticated, service_role;
