-- Returns the accounts with the rights of an admin: owners (admins) and admins among the staff.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table (email, telegram_id, created_at, is_owner), telegram_id null: no Telegram account.
-- Errors: none.
create or replace function private.admin_accounts()
returns table (email text, telegram_id bigint, created_at timestamptz, is_owner boolean)
language sql
stable
rows 5
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select a.email, a.telegram_id, a.created_at, true from public.admins as a
  union all
  select s.email, u.telegram_id, s.created_at, false
    from public.staff as s
    join public.users as u on u.id = s.user_id
   where s.role = 'admin'
     and not exists (select from public.admins as a where a.telegram_id = u.telegram_id or a.email = s.email);
$$;

revoke all on function private.admin_accounts from public, anon, authenticated, service_role;
comment on function private.admin_accounts is 'The accounts with the rights of an admin';
