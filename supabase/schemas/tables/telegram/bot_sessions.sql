-- What a bot remembers of a person in a chat, and in each topic of a chat that has topics. In a private chat the chat
-- is the person.

create table public.bot_sessions (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  chat_id bigint not null,
  thread_id bigint not null default 0,
  mode text not null default 'chat',
  session_data jsonb not null default '{}' check (jsonb_typeof(session_data) = 'object'),
  stats_data jsonb not null default '{}' check (jsonb_typeof(stats_data) = 'object'),
  last_update_id bigint,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  primary key (user_id, bot, chat_id, thread_id)
);

-- The sessions of a group, when it becomes a supergroup.
create index bot_sessions_group_idx on public.bot_sessions (chat_id) where chat_id < 0;

comment on table public.bot_sessions is 'What a bot remembers of a person in a chat';
comment on column public.bot_sessions.thread_id is 'The topic of the chat; 0 for General and where there are no topics';
comment on column public.bot_sessions.mode is 'How the bot answers plain text, a key of shared/ai/modes.py';
comment on column public.bot_sessions.session_data is 'Small facts by key; "awaiting" names the question whose answer the next message is';
comment on column public.bot_sessions.stats_data is 'Counters: "requests" is how many AI requests were served here';
comment on column public.bot_sessions.last_update_id is 'The newest message handled; Telegram sends the next one only after the answer to this one arrived';
alter table public.bot_sessions enable row level security;
revoke all on table public.bot_sessions from public, anon, authenticated, service_role;
