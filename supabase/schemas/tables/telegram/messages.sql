-- The conversation, one row a message, as the AI is shown it.

create table public.messages (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  chat_id bigint not null,
  thread_id bigint not null default 0,
  role text not null check (role in ('user', 'assistant')),
  content text not null,
  message_id bigint,
  created_at timestamptz not null default private.clock()
);

-- The newest messages of one session, and all of one person.
create index messages_session_idx on public.messages (user_id, bot, chat_id, thread_id, id);
-- The sweep drops the oldest.
create index messages_created_at_idx on public.messages (created_at);

comment on table public.messages is 'The conversation, one row a message';
comment on column public.messages.thread_id is 'The topic of the chat, see bot_sessions';
comment on column public.messages.message_id is 'Telegram''s number of the user''s message that this row is, or answers: an edit of it replaces both';
alter table public.messages enable row level security;
revoke all on table public.messages from public, anon, authenticated, service_role;
revoke all on sequence public.messages_id_seq from public, anon, authenticated, service_role;
