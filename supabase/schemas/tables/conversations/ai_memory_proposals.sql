-- Facts about users that the AI proposes to keep, found by the job that summarizes conversations. A user decides on each; one that
-- is kept moves to ai_memory.

create table public.ai_memory_proposals (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  content text not null check (length(content) between 1 and 300),
  declined_at timestamptz,
  created_at timestamptz not null default private.clock()
);

create index ai_memory_proposals_user_idx on public.ai_memory_proposals (user_id, bot, id);
-- The sweep deletes old ones.
create index ai_memory_proposals_created_at_idx on public.ai_memory_proposals (created_at);

comment on table public.ai_memory_proposals is 'Facts about users that the AI proposes to keep';
comment on column public.ai_memory_proposals.declined_at is 'When the user declined it; it stays, so that it is not proposed again';
alter table public.ai_memory_proposals enable row level security;
revoke all on table public.ai_memory_proposals from public, anon, authenticated, service_role;
revoke all on sequence public.ai_memory_proposals_id_seq from public, anon, authenticated, service_role;
