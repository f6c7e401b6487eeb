-- Checks that an e-mail address belongs to an admin: an owner, or an admin among the staff.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the address as it is stored.
-- Errors: N0001 not an admin.
create or replace function private.require_admin(p_admin_email text)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text;
begin
  select a.email into v_email from private.admin_accounts() as a where a.email = lower(p_admin_email);
  if not found then
    raise exception 'not an admin' using errcode = 'N0001';
  end if;
  return v_email;
end
$$;

revoke all on function private.require_admin from public, anon, authenticated, service_role;
comment on function private.require_admin is 'Checks that an e-mail address belongs to an admin';
