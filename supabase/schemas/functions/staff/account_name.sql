-- Returns the account under which the audit log records what a member of the staff does: their e-mail address, else user:<id>.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text; null: no such user.
-- Errors: none.
create or replace function private.account_name(p_user_id bigint)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      (select a.email from public.admins as a where a.telegram_id = u.telegram_id),
      (select s.email from public.staff as s where s.user_id = u.id),
      'user:' || u.id
    )
    from public.users as u
   where u.id = p_user_id;
$$;

revoke all on function private.account_name from public, anon, authenticated, service_role;
comment on function private.account_name is 'The account under which the audit log records what a member of the staff does';
