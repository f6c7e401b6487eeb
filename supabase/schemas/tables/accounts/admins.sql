-- Who may do what others may not. Filled from the environment at deployment (tools.database settings), never
-- by the application.

create table public.admins (
  email text primary key check (email = lower(email)),
  telegram_id bigint unique,
  created_at timestamptz not null default private.clock()
);

create trigger admins_mark_users
after insert or update or delete on public.admins
for each row execute function private.mark_admin();

comment on table public.admins is 'Who may do what others may not';
comment on column public.admins.telegram_id is 'Whose commands in a bot are an admin''s';
alter table public.admins enable row level security;
revoke all on table public.admins from public, anon, authenticated, service_role;
