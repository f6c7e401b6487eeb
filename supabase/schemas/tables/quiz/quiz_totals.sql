-- What a user has done in a quiz bot, counted with every answer.

create table public.quiz_totals (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  runs integer not null default 0 check (runs >= 0),
  challenges integer not null default 0 check (challenges >= 0),
  answers integer not null default 0 check (answers >= 0),
  right_answers integer not null default 0 check (right_answers between 0 and answers),
  primary key (user_id, bot)
);

comment on table public.quiz_totals is 'What users have done in quiz bots';
comment on column public.quiz_totals.runs is 'Finished quizzes that were not tapped through; challenges are among them';
alter table public.quiz_totals enable row level security;
revoke all on table public.quiz_totals from public, anon, authenticated, service_role;
