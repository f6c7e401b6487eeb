-- Conversations that users share as pages. A row holds none of their text: the page shows the messages first_message to
-- last_message for as long as they are what they were when they were shared (digest). So an edit or deletion of one of them
-- withdraws the page at once, as does the end of their retention.

create table public.shared_conversations (
  id bigint generated always as identity primary key,
  token text not null unique,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  bot_username text not null,
  chat_id bigint not null,
  thread_id bigint not null,
  conversation_id bigint not null,
  title text,
  first_message bigint not null,
  last_message bigint not null,
  message_count integer not null,
  digest bytea not null,
  is_cut boolean not null,
  reference text not null unique,
  created_at timestamptz not null default private.clock(),
  withdrawn_at timestamptz
);

create index shared_conversations_user_idx on public.shared_conversations (user_id, bot, id);
-- The sweep deletes expired pages.
create index shared_conversations_created_at_idx on public.shared_conversations (created_at);

comment on table public.shared_conversations is 'Conversations that users share as pages';
comment on column public.shared_conversations.token is 'Random part of the address, 128 bits; kept so that the user can see the link again';
comment on column public.shared_conversations.bot_username is 'Username of the bot at Telegram, for the link on the page';
comment on column public.shared_conversations.conversation_id is 'See messages.conversation_id; 0: the main conversation';
comment on column public.shared_conversations.title is 'Name of the conversation when it was shared; null of the main one, and once withdrawn';
comment on column public.shared_conversations.digest is 'SHA-256 of the messages (private.shared_messages)';
comment on column public.shared_conversations.is_cut is 'Older messages were left out: the conversation is too long for one page';
comment on column public.shared_conversations.reference is 'Update that shared it, so that a repeated one shares no second';
comment on column public.shared_conversations.withdrawn_at is 'Since when the page no longer opens';
alter table public.shared_conversations enable row level security;
revoke all on table public.shared_conversations from public, anon, authenticated, service_role;
revoke all on sequence public.shared_conversations_id_seq from public, anon, authenticated, service_role;
