-- Answers to the questions of quiz_runs: the first answer to each question counts.

create table public.quiz_answers (
  run_id bigint not null references public.quiz_runs (id) on delete cascade,
  n smallint not null check (n between 1 and 20),
  user_id bigint not null references public.users (id) on delete cascade,
  question text not null,
  version text not null,
  choice smallint[] not null,
  is_right boolean,
  seconds numeric(9, 1) not null check (seconds >= 0),
  reference text not null check (reference <> ''),
  answered_at timestamptz not null default private.clock(),
  primary key (run_id, n)
);

create index quiz_answers_user_idx on public.quiz_answers (user_id, answered_at desc);

comment on table public.quiz_answers is 'Answers to the questions of quizzes';
comment on column public.quiz_answers.n is 'Number of the question in its quiz, from 1';
comment on column public.quiz_answers.version is 'Version of the question that the user saw: it changes with every edit';
comment on column public.quiz_answers.choice is 'Chosen options, from 0, in the order of the bank';
comment on column public.quiz_answers.is_right is 'Null: the question was withdrawn meanwhile and counts nothing';
comment on column public.quiz_answers.seconds is 'Time since the question was shown';
comment on column public.quiz_answers.reference is 'Idempotency key of the update with the answer';
alter table public.quiz_answers enable row level security;
revoke all on table public.quiz_answers from public, anon, authenticated, service_role;
