-- The text of documents that a user added to a conversation: the AI reads them with each question.

create table public.ai_conversation_files (
  id bigint generated always as identity primary key,
  conversation_id bigint not null references public.ai_conversations (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  name text not null check (length(name) between 1 and 80),
  content text not null,
  reference text unique,
  created_at timestamptz not null default private.clock()
);

create index ai_conversation_files_conversation_idx on public.ai_conversation_files (conversation_id, id);
create index ai_conversation_files_user_idx on public.ai_conversation_files (user_id);

comment on table public.ai_conversation_files is 'Text of documents that users added to conversations';
comment on column public.ai_conversation_files.reference is 'Update that added it, so that a repeated one adds no second';
alter table public.ai_conversation_files enable row level security;
revoke all on table public.ai_conversation_files from public, anon, authenticated, service_role;
revoke all on sequence public.ai_conversation_files_id_seq from public, anon, authenticated, service_role;
