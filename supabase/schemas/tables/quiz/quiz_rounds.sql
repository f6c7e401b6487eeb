-- Rounds of quiz polls in groups.

create table public.quiz_rounds (
  id bigint generated always as identity primary key,
  bot text not null,
  chat_id bigint not null,
  thread_id bigint not null default 0,
  user_id bigint references public.users (id) on delete set null,
  language text not null,
  questions text[] not null check (cardinality(questions) between 1 and 20),
  reference text not null unique check (reference <> ''),
  closes_at timestamptz not null,
  summarized_at timestamptz,
  created_at timestamptz not null default private.clock()
);

create unique index quiz_rounds_running_idx on public.quiz_rounds (bot, chat_id, thread_id) where summarized_at is null;
create index quiz_rounds_closing_idx on public.quiz_rounds (closes_at) where summarized_at is null;
-- The sweep deletes old rounds.
create index quiz_rounds_old_idx on public.quiz_rounds (summarized_at) where summarized_at is not null;
create index quiz_rounds_user_idx on public.quiz_rounds (user_id);
create index quiz_rounds_chat_idx on public.quiz_rounds (chat_id);

comment on table public.quiz_rounds is 'Rounds of quiz polls in groups';
comment on column public.quiz_rounds.thread_id is 'Topic of the group; 0 in one without topics';
comment on column public.quiz_rounds.user_id is 'Who started it';
comment on column public.quiz_rounds.reference is 'Idempotency key of the update that started it';
comment on column public.quiz_rounds.closes_at is 'When Telegram closes its polls';
comment on column public.quiz_rounds.summarized_at is 'When the results were enqueued for the group';
alter table public.quiz_rounds enable row level security;
revoke all on table public.quiz_rounds from public, anon, authenticated, service_role;
revoke all on sequence public.quiz_rounds_id_seq from public, anon, authenticated, service_role;
