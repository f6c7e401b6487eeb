-- Earlier texts of edited messages, of the user or of the team.

create table public.conversation_message_revisions (
  id bigint generated always as identity primary key,
  message_id bigint not null references public.conversation_messages (id) on delete cascade,
  body text not null,
  media jsonb,
  replaced_at timestamptz not null default private.clock()
);

create index conversation_message_revisions_message_idx on public.conversation_message_revisions (message_id, id);

comment on table public.conversation_message_revisions is 'Earlier texts of edited messages';
comment on column public.conversation_message_revisions.replaced_at is 'When the text was edited';
alter table public.conversation_message_revisions enable row level security;
revoke all on table public.conversation_message_revisions from public, anon, authenticated, service_role;
revoke all on sequence public.conversation_message_revisions_id_seq from public, anon, authenticated, service_role;
