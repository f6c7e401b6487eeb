-- Admin accounts. Written at deployment from the environment (tools.database settings), never by the application.

create table public.admins (
  email text primary key check (email = lower(email)),
  telegram_id bigint unique,
  created_at timestamptz not null default private.clock()
);

create trigger admins_mark_users
after insert or update or delete on public.admins
for each row execute function private.mark_admin();

comment on table public.admins is 'Admin accounts, written at deployment';
comment on column public.admins.telegram_id is 'Telegram account that may use admin commands in the bots; null: no Telegram account';
alter table public.admins enable row level security;
revoke all on table public.admins from public, anon, authenticated, service_role;
