-- How far each member of the team has read a conversation.

create table public.conversation_reads (
  conversation_id bigint not null references public.conversations (id) on delete cascade,
  operator_id bigint not null references public.users (id) on delete cascade,
  read_seq bigint not null default 0,
  is_marked_unread boolean not null default false,
  primary key (conversation_id, operator_id)
);

create index conversation_reads_operator_idx on public.conversation_reads (operator_id);

comment on table public.conversation_reads is 'How far each member of the team has read a conversation';
comment on column public.conversation_reads.read_seq is 'Number of the last message read: all up to it are';
comment on column public.conversation_reads.is_marked_unread is 'The member of the team wants to see it as unread until opening it again';
alter table public.conversation_reads enable row level security;
revoke all on table public.conversation_reads from public, anon, authenticated, service_role;
