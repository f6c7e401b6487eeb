-- Who belongs to a team. What a manager sees of a member ends with the row.

create table public.team_members (
  team_id bigint not null references public.teams (id) on delete cascade,
  user_id bigint not null references public.users (id) on delete cascade,
  role text not null check (role in ('manager', 'member')),
  joined_at timestamptz not null default private.clock(),
  primary key (team_id, user_id)
);

create index team_members_user_idx on public.team_members (user_id);

comment on table public.team_members is 'Who belongs to a team';
alter table public.team_members enable row level security;
revoke all on table public.team_members from public, anon, authenticated, service_role;
