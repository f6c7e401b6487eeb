-- Writes an audit entry for an admin's action.
--
-- Concurrency: the reference is unique: of two different actions with one reference the second fails and is rolled
--   back. The caller has searched for it before (private.find_audit_entry), holding the user's row.
-- Locks: none.
-- Returns: bigint, the id of the entry.
-- Errors: N0003, the reference was used with another action or user.
create or replace function private.write_audit(
  p_admin_email text, p_action text, p_user_id bigint, p_reference text, p_before jsonb, p_after jsonb
)
returns bigint
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
begin
  insert into public.audit_log (admin_email, action, user_id, reference, before, after)
  values (p_admin_email, p_action, p_user_id, p_reference, p_before, p_after)
  returning id into v_id;
  return v_id;
exception when unique_violation then
  raise exception 'the reference was used with another action or user' using errcode = 'N0003';
end
$$;

revoke all on function private.write_audit from public, anon, authenticated, service_role;
comment on function private.write_audit is 'Writes an audit entry for an admin''s action';
