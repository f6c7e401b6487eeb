-- Conversations of users with a bot, as people of the team see them: one endless thread per bot and user. What the AI
-- remembers of a chat is kept apart (messages, ai_conversations).
--
-- Its row lock orders everything that happens in the thread: numbers of messages, takeovers, unread counts.

create table public.conversations (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  connection text not null default '',
  last_message_at timestamptz not null default private.clock(),
  last_seq bigint not null default 0,
  last_in_seq bigint not null default 0,
  last_version bigint not null default 0,
  unread_count integer not null default 0,
  waiting_since timestamptz,
  preview text not null default '',
  ai_real_name text,
  ai_background text,
  ai_query text,
  ai_ready_score smallint,
  ai_processing_until timestamptz,
  assignee_id bigint references public.users (id) on delete set null,
  handler text not null default 'bot',
  handler_until timestamptz,
  takeovers integer not null default 0,
  status text not null default 'open',
  snoozed_until timestamptz,
  closed_at timestamptz,
  unreachable text,
  rating smallint,
  rating_asked_at timestamptz,
  rated_at timestamptz,
  changed_xid xid8 not null default pg_current_xact_id(),
  created_at timestamptz not null default private.clock(),
  unique (user_id, bot, connection),
  -- One constraint: every statement that writes a row parses each constraint of the table again.
  constraint conversations_check check (
    handler in ('bot', 'human', 'paused') and status in ('open', 'closed') and unread_count >= 0
    and unreachable in ('blocked', 'deactivated') and ai_ready_score between 0 and 100 and rating between 1 and 5
  )
);

create index conversations_assignee_idx on public.conversations (assignee_id);
-- The list: newest message first, all and by what is filtered most.
create index conversations_latest_idx on public.conversations (last_message_at, id);
create index conversations_bot_idx on public.conversations (bot, last_message_at, id);
create index conversations_unread_idx on public.conversations (last_message_at, id) where unread_count > 0;
create index conversations_waiting_idx on public.conversations (waiting_since, id) where waiting_since is not null;
create index conversations_ready_idx on public.conversations (ai_ready_score, last_message_at, id)
where ai_ready_score is not null;
-- What the job of the messenger ends: handlers that are due back, and snoozes.
create index conversations_handler_idx on public.conversations (handler_until) where handler_until is not null;
create index conversations_snoozed_idx on public.conversations (snoozed_until) where snoozed_until is not null;
-- What changed since a page asked last (conversation_changes).
create index conversations_changed_idx on public.conversations (changed_xid);

comment on table public.conversations is 'Conversations of users with a bot, as people of the team see them';
comment on column public.conversations.connection is 'business_connection_id of a chat with the owner''s own account; empty: the chat with the bot';
comment on column public.conversations.last_seq is 'Number of the newest message';
comment on column public.conversations.last_in_seq is 'Number of the newest message of the user, without taps and the like';
comment on column public.conversations.last_version is 'Number of the newest change of a message: every new and changed message takes the next one';
comment on column public.conversations.unread_count is 'Messages of the user that no member of the team has read';
comment on column public.conversations.waiting_since is 'Time of the first message of the user that is not answered';
comment on column public.conversations.preview is 'Beginning of the newest message';
comment on column public.conversations.ai_processing_until is 'Until when an AI answer is being written';
comment on column public.conversations.handler is 'Who answers: the bot; a human; paused: the bot is silent until the team changes that';
comment on column public.conversations.handler_until is 'When the bot answers again automatically; null: never';
comment on column public.conversations.takeovers is 'How often a human took over: an AI answer begun before a takeover is dropped';
comment on column public.conversations.snoozed_until is 'Until when the conversation is out of the list of open ones; a message of the user ends that';
comment on column public.conversations.unreachable is 'Why nothing can be sent to the user';
comment on column public.conversations.rating is 'Latest answer of the user to the question after closing, 1 to 5';
comment on column public.conversations.changed_xid is 'Transaction of the last change: the cursor of conversation_changes';
alter table public.conversations enable row level security;
revoke all on table public.conversations from public, anon, authenticated, service_role;
revoke all on sequence public.conversations_id_seq from public, anon, authenticated, service_role;
