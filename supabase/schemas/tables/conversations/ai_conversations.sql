-- Conversations of users with the AI that have a name or settings of their own. The main conversation of a session needs no
-- row until the user sets something for it; its messages have conversation_id 0. The session's data name the current one
-- ("conversation": id). The tables conversations and conversation_messages are those of the operators' inbox.

create table public.ai_conversations (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  chat_id bigint not null,
  thread_id bigint not null default 0,
  is_main boolean not null default false,
  name text,
  model text,
  instructions text,
  summary text,
  summary_until bigint,
  summary_claim uuid,
  summary_claimed_at timestamptz,
  reference text unique,
  created_at timestamptz not null default private.clock(),
  last_used_at timestamptz not null default private.clock(),
  constraint ai_conversations_check check (
    length(name) between 1 and 60 and length(instructions) between 1 and 10000
  )
);

-- The main conversation of a session, of which there is one.
create unique index ai_conversations_main_idx on public.ai_conversations (user_id, bot, chat_id, thread_id) where is_main;
-- The conversations of a session, and all of a user.
create index ai_conversations_session_idx on public.ai_conversations (user_id, bot, chat_id, thread_id, id);
-- Finds a group's conversations when it becomes a supergroup (public.migrate_chat).
create index ai_conversations_group_idx on public.ai_conversations (chat_id) where chat_id < 0;

-- Summaries past their retention (public.claim_summaries).
create index ai_conversations_summary_idx on public.ai_conversations (last_used_at) where summary is not null;

comment on table public.ai_conversations is 'Conversations with the AI that have a name or settings of their own';
comment on column public.ai_conversations.thread_id is 'Topic of the chat, see bot_sessions.thread_id';
comment on column public.ai_conversations.is_main is 'The conversation of a session before the user begins another; its messages have conversation_id 0';
comment on column public.ai_conversations.name is 'Shown in lists; null until the first question, whose beginning it becomes';
comment on column public.ai_conversations.model is 'Chosen model, a key of ai_modes of kind chat; null: the standard one';
comment on column public.ai_conversations.instructions is 'What the user wants of each answer; sent as the user''s words, never as a system prompt';
comment on column public.ai_conversations.summary is 'What was said up to the message summary_until, written by the AI (setting summarize_history)';
comment on column public.ai_conversations.summary_claim is 'The run of the job that writes the next summary';
comment on column public.ai_conversations.reference is 'Update that created it, so that a repeated one creates no second; null of the main one';
alter table public.ai_conversations enable row level security;
revoke all on table public.ai_conversations from public, anon, authenticated, service_role;
revoke all on sequence public.ai_conversations_id_seq from public, anon, authenticated, service_role;
