-- Checks that a user may act in a role. Functions that a page of the staff calls begin with it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the user's account in the audit log (private.account_name).
-- Errors: N0009 the user's role does not allow it.
create or replace function private.require_staff(p_actor_id bigint, p_role text)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if not private.role_includes(private.staff_role(p_actor_id), p_role) then
    raise exception 'the role does not allow this' using errcode = 'N0009';
  end if;
  return private.account_name(p_actor_id);
end
$$;

revoke all on function private.require_staff from public, anon, authenticated, service_role;
comment on function private.require_staff is 'Checks that a user may act in a role';
