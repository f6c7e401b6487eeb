-- Approves a broadcast that waits for a second admin: it runs.
--
-- Concurrency: the row is locked; of two calls the second finds it running.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'approved' | 'own' | 'state' | 'none'        (own: the admin wrote or started it)
-- Errors: N0009 the role does not allow it.
create or replace function public.approve_broadcast(p_actor_id bigint, p_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_row public.broadcasts;
begin
  select b.* into v_row from public.broadcasts as b where b.id = p_id and b.sequence_id is null for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_row.status <> 'waiting' then
    return jsonb_build_object('outcome', 'state');
  elsif p_actor_id in (v_row.started_by, v_row.updated_by) then
    return jsonb_build_object('outcome', 'own');
  end if;
  update public.broadcasts as b
     set status = 'running', approved_by = p_actor_id, updated_at = private.clock()
   where b.id = p_id;
  perform private.write_audit(
    v_account, 'broadcast_approve', null, null, '{}', jsonb_build_object('broadcast', p_id, 'recipients', v_row.total)
  );
  return jsonb_build_object('outcome', 'approved');
end
$$;

revoke all on function public.approve_broadcast from public, anon, authenticated, service_role;
grant execute on function public.approve_broadcast to bot_backend;
comment on function public.approve_broadcast is 'Approves a broadcast that waits for a second admin';
