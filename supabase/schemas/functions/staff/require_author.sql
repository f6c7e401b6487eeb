-- Checks that an account may edit courses: an admin's e-mail address, or the account of an author (private.account_name).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the account as the audit log names it.
-- Errors: N0001 neither an admin nor an author.
create or replace function private.require_author(p_account text)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_author bigint;
begin
  select s.user_id into v_author
    from public.staff as s
   where s.role = 'author' and (
     s.email = lower(p_account)
     or (s.email is null and s.user_id = case when p_account ~ '^user:[0-9]{1,18}$' then substr(p_account, 6)::bigint end)
   );
  if found then
    return private.require_staff(v_author, 'author');
  end if;
  return private.require_admin(p_account);
end
$$;

revoke all on function private.require_author from public, anon, authenticated, service_role;
comment on function private.require_author is 'Checks that an account may edit courses';
