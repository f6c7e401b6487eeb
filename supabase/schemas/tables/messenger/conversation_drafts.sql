-- Replies that a member of the team is writing, one per conversation.

create table public.conversation_drafts (
  conversation_id bigint not null references public.conversations (id) on delete cascade,
  operator_id bigint not null references public.users (id) on delete cascade,
  body text not null check (length(body) between 1 and 16000),
  updated_at timestamptz not null default private.clock(),
  primary key (conversation_id, operator_id)
);

create index conversation_drafts_operator_idx on public.conversation_drafts (operator_id);

comment on table public.conversation_drafts is 'Replies that a member of the team is writing';
alter table public.conversation_drafts enable row level security;
revoke all on table public.conversation_drafts from public, anon, authenticated, service_role;
