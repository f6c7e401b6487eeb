-- Conversation history, one row per message, as sent to the AI.

create table public.messages (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  chat_id bigint not null,
  thread_id bigint not null default 0,
  conversation_id bigint not null default 0,
  role text not null check (role in ('user', 'assistant')),
  content text not null,
  message_id bigint,
  created_at timestamptz not null default private.clock(),
  update_id bigint,
  claimed_by bigint
);

-- The newest messages of a conversation, and all messages of a user.
create index messages_conversation_idx on public.messages (user_id, bot, chat_id, thread_id, conversation_id, id);
-- The sweep deletes expired messages.
create index messages_created_at_idx on public.messages (created_at);

comment on table public.messages is 'Conversation history, one row per message';
comment on column public.messages.thread_id is 'Topic of the chat, see bot_sessions.thread_id';
comment on column public.messages.conversation_id is 'Conversation within the session (ai_conversations.id); 0: the main one';
comment on column public.messages.message_id is 'Telegram id of the user''s message that this row contains or answers; an edit of that message replaces both rows';
comment on column public.messages.update_id is 'Update that this row''s question and answer come from, or that replaced the answer; the buttons below the answer name it';
comment on column public.messages.claimed_by is 'Update that is replacing this answer (claim_turn)';
alter table public.messages enable row level security;
revoke all on table public.messages from public, anon, authenticated, service_role;
revoke all on sequence public.messages_id_seq from public, anon, authenticated, service_role;
