-- The questions of each day's challenge: stored by the first user of the day, so that a deployment changes none for others.

create table public.quiz_challenges (
  bot text not null,
  day date not null,
  questions text[] not null check (cardinality(questions) between 1 and 20),
  primary key (bot, day)
);

comment on table public.quiz_challenges is 'The questions of each day''s challenge';
alter table public.quiz_challenges enable row level security;
revoke all on table public.quiz_challenges from public, anon, authenticated, service_role;
