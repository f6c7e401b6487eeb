-- Quizzes that users take in private: of a topic, of due questions, or of the day's challenge.

create table public.quiz_runs (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  kind text not null check (kind in ('topic', 'review', 'daily')),
  topic text not null default '' check (topic ~ '^[a-z0-9_]{0,30}$'),
  level smallint not null default 0 check (level between 0 and 5),
  day date,
  questions text[] not null check (cardinality(questions) between 1 and 20),
  status text not null default 'open' check (status in ('open', 'finished', 'abandoned')),
  reference text not null check (reference <> ''),
  answered smallint not null default 0 check (answered between 0 and cardinality(questions)),
  shown smallint not null default 1 check (shown between answered and answered + 1),
  shown_at timestamptz not null default private.clock(),
  right_answers smallint not null default 0 check (right_answers between 0 and answered),
  score integer check (score >= 0),
  result jsonb,
  created_at timestamptz not null default private.clock(),
  finished_at timestamptz,
  unique (user_id, reference),
  check ((kind = 'daily') = (day is not null)),
  check ((status = 'finished') = (result is not null))
);

create unique index quiz_runs_open_idx on public.quiz_runs (user_id, bot, (kind = 'daily')) where status = 'open';
create unique index quiz_runs_day_idx on public.quiz_runs (user_id, bot, day) where kind = 'daily';
-- The sweep deletes old quizzes.
create index quiz_runs_created_idx on public.quiz_runs (created_at);

comment on table public.quiz_runs is 'Quizzes that users take in private';
comment on column public.quiz_runs.topic is 'Topic of the questions; empty: of all topics';
comment on column public.quiz_runs.level is 'Level of the questions; 0: of all levels';
comment on column public.quiz_runs.day is 'Day of the challenge, in the zone of the setting quota_timezone';
comment on column public.quiz_runs.questions is 'Ids of the questions, in their order';
comment on column public.quiz_runs.reference is 'Idempotency key of the update that started it';
comment on column public.quiz_runs.answered is 'How many questions are answered';
comment on column public.quiz_runs.shown is 'How many questions were shown; the last one since shown_at';
comment on column public.quiz_runs.score is 'Points of a challenge; null of a quiz, and where the challenge was tapped through';
comment on column public.quiz_runs.result is 'What finishing it gave, see private.finish_quiz_run';
alter table public.quiz_runs enable row level security;
revoke all on table public.quiz_runs from public, anon, authenticated, service_role;
revoke all on sequence public.quiz_runs_id_seq from public, anon, authenticated, service_role;
