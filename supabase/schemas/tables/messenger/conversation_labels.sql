-- The labels that conversations have.

create table public.conversation_labels (
  conversation_id bigint not null references public.conversations (id) on delete cascade,
  label_id bigint not null references public.messenger_labels (id) on delete cascade,
  created_at timestamptz not null default private.clock(),
  primary key (conversation_id, label_id)
);

create index conversation_labels_label_idx on public.conversation_labels (label_id, conversation_id);

comment on table public.conversation_labels is 'The labels that conversations have';
alter table public.conversation_labels enable row level security;
revoke all on table public.conversation_labels from public, anon, authenticated, service_role;
