-- Checks the e-mail address of a new role: admins need one, and no other account may have it.
--
-- Concurrency: read-only; the caller holds the lock of roles.
-- Locks: none.
-- Returns: text, what is wrong: 'email_missing' | 'email_wrong' | 'email_taken'; null: nothing.
-- Errors: none.
create or replace function private.check_staff_email(p_role text, p_email text, p_user_id bigint)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_email is null then case when p_role = 'admin' then 'email_missing' end
    when length(p_email) > 254 or p_email !~ '^[^@[:space:],]+@[^@[:space:],]+\.[^@[:space:],]+$' then 'email_wrong'
    when exists (select from public.admins as a where a.email = p_email)
      or exists (select from public.staff as s where s.email = p_email and s.user_id is distinct from p_user_id)
    then 'email_taken'
  end;
$$;

revoke all on function private.check_staff_email from public, anon, authenticated, service_role;
comment on function private.check_staff_email is 'Checks the e-mail address of a new role';
