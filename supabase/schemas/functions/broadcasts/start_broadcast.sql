-- Starts a draft: the job freezes its recipients (private.freeze_broadcast), then sends, or waits for a second admin.
--
-- Concurrency: the row is locked; of two calls the second finds it started.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'started' | 'changed' | 'state' | 'empty' | 'none'       (empty: it has no text and no media)
-- Errors: N0001 not an admin.
create or replace function public.start_broadcast(p_actor_id bigint, p_id bigint, p_version integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.broadcast_admin(p_actor_id);
  v_row public.broadcasts;
begin
  select b.* into v_row from public.broadcasts as b where b.id = p_id and b.sequence_id is null for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_row.status <> 'draft' then
    return jsonb_build_object('outcome', 'state');
  elsif v_row.version <> p_version then
    return jsonb_build_object('outcome', 'changed');
  elsif coalesce(v_row.content -> 'texts', '{}') = '{}'
    and not exists (select from public.broadcast_media as m where m.broadcast_id = p_id)
  then
    return jsonb_build_object('outcome', 'empty');
  end if;
  update public.broadcasts as b
     set status = 'freezing', started_by = p_actor_id, started_at = private.clock(), frozen_after = 0,
         freeze_until = (select coalesce(max(u.id), 0) from public.users as u), updated_at = private.clock()
   where b.id = p_id;
  perform private.write_audit(
    v_email, 'broadcast_start', null, null, '{}',
    jsonb_build_object('broadcast', p_id, 'name', v_row.name, 'kind', v_row.kind, 'segment', v_row.segment)
  );
  return jsonb_build_object('outcome', 'started');
end
$$;

revoke all on function public.start_broadcast from public, anon, authenticated, service_role;
grant execute on function public.start_broadcast to bot_backend;
comment on function public.start_broadcast is 'Starts a draft: its recipients are frozen';
