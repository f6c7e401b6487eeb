-- Finds the audit entry of an admin's action by its reference.
--
-- Concurrency: the caller holds the user's row, so of two calls with one reference for one user the second finds the
--   entry of the first.
-- Locks: none.
-- Returns: public.audit_log, the entry; null for a new reference or none.
-- Errors: N0003, the reference was used with another action or user.
create or replace function private.find_audit_entry(p_reference text, p_action text, p_user_id bigint)
returns public.audit_log
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_known public.audit_log;
begin
  select l.* into v_known from public.audit_log as l where l.reference = p_reference;
  if found and (v_known.action <> p_action or v_known.user_id is distinct from p_user_id) then
    raise exception 'the reference was used with another action or user' using errcode = 'N0003';
  end if;
  return v_known;
end
$$;

revoke all on function private.find_audit_entry from public, anon, authenticated, service_role;
comment on function private.find_audit_entry is 'Finds the audit entry of an admin''s action by its reference';
