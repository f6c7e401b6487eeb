-- Sessions: mode, data and counters of a user with one bot, per chat and topic. In a private chat, chat_id is the user's
-- Telegram id.

create table public.bot_sessions (
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  chat_id bigint not null,
  thread_id bigint not null default 0,
  mode text not null default 'chat',
  session_data jsonb not null default '{}',
  stats_data jsonb not null default '{}',
  last_update_id bigint,
  is_blocked boolean not null default false,
  created_at timestamptz not null default private.clock(),
  updated_at timestamptz not null default private.clock(),
  primary key (user_id, bot, chat_id, thread_id),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint bot_sessions_check check (
    jsonb_typeof(session_data) = 'object' and jsonb_typeof(stats_data) = 'object'
  )
);

-- Finds a group's sessions when it becomes a supergroup (public.migrate_chat).
create index bot_sessions_group_idx on public.bot_sessions (chat_id) where chat_id < 0;

-- New sessions of a period (admin_funnel). No update of a session writes to it.
create index bot_sessions_created_at_idx on public.bot_sessions (created_at);

comment on table public.bot_sessions is 'Sessions of users, per bot, chat and topic';
comment on column public.bot_sessions.thread_id is 'Topic of the chat (message_thread_id); 0: General, or a chat without topics';
comment on column public.bot_sessions.mode is 'Chat mode: a key of shared/ai/modes.py, or image:<key of ai_modes>';
comment on column public.bot_sessions.session_data is 'Small values by key; "awaiting" names the input that the next message is expected to be';
comment on column public.bot_sessions.stats_data is 'Counters; "requests": AI requests served in this session';
comment on column public.bot_sessions.is_blocked is 'Whether the user blocks the bot; only in a private chat (chat_id is the user''s Telegram id)';
comment on column public.bot_sessions.last_update_id is 'Update id of the newest handled message; Telegram delivers the next one only after the response to this one';
alter table public.bot_sessions enable row level security;
revoke all on table public.bot_sessions from public, anon, authenticated, service_role;
