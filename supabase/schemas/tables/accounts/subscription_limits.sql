-- Limits and features of each plan. A changed row applies from the next update on.

create table public.subscription_limits (
  plan text primary key,
  vip_level integer not null unique check (vip_level >= 0),
  daily_requests integer check (daily_requests >= 0),
  monthly_requests integer check (monthly_requests >= 0),
  features text[] not null default '{}',
  history_length integer check (history_length >= 0),
  voice_seconds integer not null default 300 check (voice_seconds >= 0),
  document_pages integer not null default 50 check (document_pages >= 0),
  conversations integer not null default 5 check (conversations >= 0),
  instructions_characters integer not null default 1500 check (instructions_characters between 0 and 10000),
  memory_facts integer not null default 30 check (memory_facts >= 0),
  conversation_files integer not null default 3 check (conversation_files >= 0),
  conversation_file_characters integer not null default 20000 check (conversation_file_characters between 0 and 400000),
  reminders integer default 20
);

comment on table public.subscription_limits is 'Limits and features of each plan';
comment on column public.subscription_limits.vip_level is 'Lowest users.vip_level of this plan; it applies up to the vip_level of the next plan';
comment on column public.subscription_limits.daily_requests is 'AI requests a day over all bots; null: no limit';
comment on column public.subscription_limits.monthly_requests is 'AI requests a month over all bots; null: only the daily limit applies';
comment on column public.subscription_limits.features is 'Features beyond plain chat; modes: the chat modes of shared/ai/modes.py; models: the models of /model that need it';
comment on column public.subscription_limits.history_length is 'Messages of the conversation that the AI receives; null: MAX_HISTORY_LENGTH';
comment on column public.subscription_limits.voice_seconds is 'Longest voice message that the bot listens to; 0: none';
comment on column public.subscription_limits.document_pages is 'Pages of a document that the bot reads, and blocks of 3,000 characters of one without pages; 0: none';
comment on column public.subscription_limits.conversations is 'Named conversations of a user in one chat, besides the main one; 0: none';
comment on column public.subscription_limits.instructions_characters is 'Longest instructions of a conversation (/prompt); 0: none';
comment on column public.subscription_limits.memory_facts is 'Facts that a bot keeps about a user (/memory); 0: none';
comment on column public.subscription_limits.conversation_files is 'Files of one conversation; 0: none';
comment on column public.subscription_limits.conversation_file_characters is 'Characters of all files of a conversation, which are sent with each question';
comment on column public.subscription_limits.reminders is 'Reminders that a user may have at once; null: no limit';
alter table public.subscription_limits enable row level security;
revoke all on table public.subscription_limits from public, anon, authenticated, service_role;

-- No monthly limit by default: the daily limit bounds the month already.
insert into public.subscription_limits
(
  plan, vip_level, daily_requests, monthly_requests, features, history_length, voice_seconds, document_pages, conversations,
  instructions_characters
)
values
('FREE', 0, 25, null, '{modes}', 50, 300, 20, 5, 1500),
('PREMIUM', 1, 1000, null, '{modes,models}', null, 600, 200, 50, 4000)
on conflict (plan) do nothing;
