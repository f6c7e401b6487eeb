-- Checks that a member of the staff may give, change or take a role: owners every role, admins those of operators and authors.
-- Changes of roles wait for each other, so that each sees the roles that the one before has left.
--
-- Concurrency: an advisory lock until the end of the transaction.
-- Locks: the advisory lock of roles.
-- Returns: text, the account of the actor in the audit log.
-- Errors: N0009 the actor may not change this role.
create or replace function private.check_role_change(p_actor_id bigint, p_roles text[])
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform pg_advisory_xact_lock(hashtextextended('roles of staff', 0));
  return private.require_staff(p_actor_id, case when p_roles && array['owner', 'admin'] then 'owner' else 'admin' end);
end
$$;

revoke all on function private.check_role_change from public, anon, authenticated, service_role;
comment on function private.check_role_change is 'Checks that a member of the staff may give, change or take a role';
