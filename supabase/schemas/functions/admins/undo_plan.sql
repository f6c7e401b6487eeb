-- Ends the plan that an admin gave, and restores those it replaced that would still run.
--
-- Concurrency: the caller holds the user's row.
-- Locks: the subscriptions, then as private.refresh_access.
-- Returns: boolean, false and nothing changed where a later action of an admin has changed the plan, or nothing is
--   left to undo.
-- Errors: none.
create or replace function private.undo_plan(p_entry public.audit_log)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_given constant bigint := (p_entry.after ->> 'subscription')::bigint;
  v_replaced constant bigint[] := array(select jsonb_array_elements_text(p_entry.after -> 'replaced')::bigint);
begin
  if exists (
    select from public.subscriptions as s
     where s.user_id = p_entry.user_id and s.source = 'admin' and s.status = 'active' and s.id is distinct from v_given
  ) then
    return false;
  end if;
  if v_given is not null then
    update public.subscriptions as s set status = 'canceled', ended_at = v_now where s.id = v_given and s.status = 'active';
    if not found then
      return false;
    end if;
  end if;
  update public.subscriptions as s
     set status = 'active', ended_at = null
   where s.id = any(v_replaced) and s.status = 'canceled' and (s.ends_at is null or s.ends_at > v_now);
  if v_given is null and not found then
    return false;
  end if;
  perform private.refresh_access(p_entry.user_id);
  return true;
end
$$;

revoke all on function private.undo_plan from public, anon, authenticated, service_role;
comment on function private.undo_plan is 'Reverses a plan that an admin gave or ended';
