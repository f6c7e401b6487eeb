-- Questions that learners asked under a lesson.

create table public.lesson_questions (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  lesson_id bigint not null references public.lessons (id),
  text text not null check (length(text) between 1 and 4000),
  reference text not null check (reference <> ''),
  created_at timestamptz not null default private.clock(),
  unique (user_id, reference)
);

create index lesson_questions_user_idx on public.lesson_questions (user_id, created_at);
create index lesson_questions_lesson_idx on public.lesson_questions (lesson_id, id);

comment on table public.lesson_questions is 'Questions that learners asked under a lesson';
comment on column public.lesson_questions.reference is 'Idempotency key: the form that was sent';
alter table public.lesson_questions enable row level security;
revoke all on table public.lesson_questions from public, anon, authenticated, service_role;
revoke all on sequence public.lesson_questions_id_seq from public, anon, authenticated, service_role;
