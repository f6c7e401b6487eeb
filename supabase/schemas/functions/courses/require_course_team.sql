-- Checks that a user may answer learners: authors, operators, admins and owners.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the user's account in the audit log (private.account_name).
-- Errors: N0009 the user's role does not allow it.
create or replace function private.require_course_team(p_actor_id bigint)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.require_staff(
    p_actor_id, case private.staff_role(p_actor_id) when 'operator' then 'operator' else 'author' end
  );
end
$$;

revoke all on function private.require_course_team from public, anon, authenticated, service_role;
comment on function private.require_course_team is 'Checks that a user may answer learners';
