-- Questions that learners asked under a lesson.

create table public.lesson_questions (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  lesson_id bigint not null references public.lessons (id),
  text text not null check (length(text) between 1 and 4000),
  reference text not null check (reference <> ''),
  created_at timestamptz not null default private.clock(),
  question_message_id bigint references public.conversation_messages (id) on delete set null,
  answer text check (length(answer) between 1 and 3000),
  answered_by bigint references public.users (id) on delete set null,
  answered_at timestamptz,
  unique (user_id, reference)
);

create index lesson_questions_user_idx on public.lesson_questions (user_id, created_at);
create index lesson_questions_lesson_idx on public.lesson_questions (lesson_id, id);
create index lesson_questions_waiting_idx on public.lesson_questions (id) where answered_at is null;
create index lesson_questions_message_idx on public.lesson_questions (question_message_id);
create index lesson_questions_answered_by_idx on public.lesson_questions (answered_by);

comment on table public.lesson_questions is 'Questions that learners asked under a lesson';
comment on column public.lesson_questions.question_message_id is 'The question in the conversation with the team, where the bot has the messenger';
comment on column public.lesson_questions.answered_by is 'The member of the staff who answered';
comment on column public.lesson_questions.reference is 'Idempotency key: the form that was sent';
alter table public.lesson_questions enable row level security;
revoke all on table public.lesson_questions from public, anon, authenticated, service_role;
revoke all on sequence public.lesson_questions_id_seq from public, anon, authenticated, service_role;
