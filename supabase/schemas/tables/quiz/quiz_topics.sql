-- A user's answers by topic.

create table public.quiz_topics (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  topic text not null check (topic ~ '^[a-z0-9_]{1,30}$'),
  answers integer not null default 0 check (answers >= 0),
  right_answers integer not null default 0 check (right_answers between 0 and answers),
  primary key (user_id, bot, topic)
);

comment on table public.quiz_topics is 'Users'' answers by topic';
alter table public.quiz_topics enable row level security;
revoke all on table public.quiz_topics from public, anon, authenticated, service_role;
