-- Facts about themselves that users let a bot keep across conversations (/memory). users.memory_enabled is the switch.

create table public.ai_memory (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  content text not null check (length(content) between 1 and 300),
  reference text unique,
  created_at timestamptz not null default private.clock()
);

create index ai_memory_user_idx on public.ai_memory (user_id, bot, id);

comment on table public.ai_memory is 'Facts about themselves that users let a bot keep';
comment on column public.ai_memory.reference is 'Update that stored it, so that a repeated one stores no second';
alter table public.ai_memory enable row level security;
revoke all on table public.ai_memory from public, anon, authenticated, service_role;
revoke all on sequence public.ai_memory_id_seq from public, anon, authenticated, service_role;
