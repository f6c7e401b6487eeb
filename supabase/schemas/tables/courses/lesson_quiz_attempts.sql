-- Answers of learners to the quizzes of lessons.

create table public.lesson_quiz_attempts (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  lesson_id bigint not null references public.lessons (id),
  lesson_version integer not null,
  answers jsonb not null,
  right_answers integer not null check (right_answers >= 0),
  questions integer not null check (questions >= right_answers),
  is_passed boolean not null,
  reference text not null check (reference <> ''),
  created_at timestamptz not null default private.clock(),
  unique (user_id, reference)
);

create index lesson_quiz_attempts_lesson_idx on public.lesson_quiz_attempts (lesson_id);
create index lesson_quiz_attempts_user_idx on public.lesson_quiz_attempts (user_id, lesson_id, id);

comment on table public.lesson_quiz_attempts is 'Answers of learners to the quizzes of lessons';
comment on column public.lesson_quiz_attempts.lesson_version is 'Version of the lesson whose questions were answered';
comment on column public.lesson_quiz_attempts.answers is 'Chosen options by question, from 0: [[0], [1, 2]]';
comment on column public.lesson_quiz_attempts.reference is 'Idempotency key: the form that was sent';
alter table public.lesson_quiz_attempts enable row level security;
revoke all on table public.lesson_quiz_attempts from public, anon, authenticated, service_role;
revoke all on sequence public.lesson_quiz_attempts_id_seq from public, anon, authenticated, service_role;
