-- Invitations to the staff: links to a bot that give the first user who opens one a role.

create table public.staff_invitations (
  id bigint generated always as identity primary key,
  token_hash bytea not null unique check (length(token_hash) = 32),
  role text not null check (role in ('admin', 'operator', 'author')),
  email text check (email = lower(email)),
  created_by bigint references public.users (id) on delete cascade,
  created_at timestamptz not null default private.clock(),
  expires_at timestamptz not null,
  canceled_at timestamptz,
  accepted_at timestamptz,
  accepted_by bigint references public.users (id) on delete cascade,
  check (role <> 'admin' or email is not null)
);

create index staff_invitations_created_by_idx on public.staff_invitations (created_by);
create index staff_invitations_accepted_by_idx on public.staff_invitations (accepted_by);

comment on table public.staff_invitations is 'Invitations to the staff, each used once';
comment on column public.staff_invitations.token_hash is 'SHA-256 of the token in the link';
comment on column public.staff_invitations.email is 'Address of the new admin';
comment on column public.staff_invitations.created_by is 'The invitation counts as long as this user may give the role';
alter table public.staff_invitations enable row level security;
revoke all on table public.staff_invitations from public, anon, authenticated, service_role;
revoke all on sequence public.staff_invitations_id_seq from public, anon, authenticated, service_role;
