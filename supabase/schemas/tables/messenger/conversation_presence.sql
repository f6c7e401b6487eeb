-- Who of the team has a conversation open right now, and who is typing. Rows whose time is over count no longer.

create table public.conversation_presence (
  conversation_id bigint not null references public.conversations (id) on delete cascade,
  operator_id bigint not null references public.users (id) on delete cascade,
  seen_until timestamptz not null,
  typing_until timestamptz,
  primary key (conversation_id, operator_id)
);

create index conversation_presence_operator_idx on public.conversation_presence (operator_id);
create index conversation_presence_seen_until_idx on public.conversation_presence (seen_until);

comment on table public.conversation_presence is 'Who of the team has a conversation open, and who is typing';
alter table public.conversation_presence enable row level security;
revoke all on table public.conversation_presence from public, anon, authenticated, service_role;
