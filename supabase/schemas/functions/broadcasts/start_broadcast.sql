-- Starts a draft: the job freezes its recipients (private.freeze_broadcast), then sends, or waits for a second admin.
--
-- Concurrency: the row is locked; of two calls the second finds it started.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'started' | 'changed' | 'state' | 'empty' | 'none'       (empty: it has no text and no media)
-- Errors: N0009 the role does not allow it.
create or replace function public.start_broadcast(p_actor_id bigint, p_id bigint, p_version integer)
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
  elsif v_row.status <> 'draft' then
    return jsonb_build_object('outcome', 'state');
  elsif v_row.version <> p_version then
    return jsonb_build_object('outcome', 'changed');
  elsif not private.is_written(v_row) then
    return jsonb_build_object('outcome', 'empty');
  end if;
  update public.broadcasts as b
     set status = 'freezing', started_by = p_actor_id, started_at = private.clock(), frozen_after = 0,
         freeze_until = (select coalesce(max(u.id), 0) from public.users as u), updated_at = private.clock()
   where b.id = p_id;
  perform private.write_audit(
    v_account, 'broadcast_start', null, null, '{}',
    jsonb_build_object('broadcast', p_id, 'name', v_row.name, 'kind', v_row.kind, 'segment', v_row.segment)
  );
  return jsonb_build_object('outcome', 'started');
end
$$;

revoke all on function public.start_broadcast from public, anon, authenticated, service_role;
grant execute on function public.start_broadcast to bot_backend;
comment on function public.start_broadcast is 'Starts a draft: its recipients are frozen';
