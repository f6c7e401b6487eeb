-- Users' first answers to quiz polls.

create table public.quiz_poll_answers (
  bot text not null,
  poll_id text not null,
  user_id bigint not null references public.users (id) on delete cascade,
  choice smallint[] not null,
  is_right boolean not null,
  answered_at timestamptz not null default private.clock(),
  primary key (bot, poll_id, user_id),
  foreign key (bot, poll_id) references public.quiz_polls (bot, poll_id) on delete cascade
);

create index quiz_poll_answers_user_idx on public.quiz_poll_answers (user_id, answered_at desc);

comment on table public.quiz_poll_answers is 'Users'' first answers to quiz polls';
alter table public.quiz_poll_answers enable row level security;
revoke all on table public.quiz_poll_answers from public, anon, authenticated, service_role;
