-- Changes the state of a broadcast. p_action:
--
--   pause, resume    stops sending, and goes on; messages that are on their way arrive
--   cancel           stops for good
--   return           takes a broadcast that waits for approval back to the draft, and its frozen recipients away
--   delete_sent      deletes the messages that were sent in the last 48 hours
--   delete           removes a draft, or a step of a sequence
--
-- Concurrency: the row is locked; an action that does not fit the state changes nothing.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'done' | 'state' | 'none'
-- Errors: N0009 the role does not allow it.
create or replace function public.switch_broadcast(p_actor_id bigint, p_id bigint, p_action text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_row public.broadcasts;
  v_status text;
begin
  select b.* into v_row from public.broadcasts as b where b.id = p_id for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  if p_action = 'delete' then
    if v_row.status <> 'draft' and v_row.sequence_id is null then
      return jsonb_build_object('outcome', 'state');
    end if;
    delete from public.broadcasts as b where b.id = p_id;
  elsif v_row.sequence_id is not null then
    return jsonb_build_object('outcome', 'state');
  elsif p_action = 'delete_sent' then
    if v_row.deleting_after is not null or v_row.sent = v_row.deleted or v_row.status in ('draft', 'freezing', 'waiting') then
      return jsonb_build_object('outcome', 'state');
    end if;
    update public.broadcasts as b
       set deleting_after = 0,
           status = case when b.status in ('running', 'paused') then 'canceled' else b.status end,
           finished_at = coalesce(b.finished_at, v_now), updated_at = v_now
     where b.id = p_id;
  else
    v_status := case
      when p_action = 'pause' and v_row.status = 'running' then 'paused'
      when p_action = 'resume' and v_row.status = 'paused' then 'running'
      when p_action = 'cancel' and v_row.status in ('freezing', 'waiting', 'running', 'paused') then 'canceled'
      when p_action = 'return' and v_row.status = 'waiting' then 'draft'
    end;
    if v_status is null then
      return jsonb_build_object('outcome', 'state');
    end if;
    update public.broadcasts as b
       set status = v_status, updated_at = v_now, finished_at = case when v_status = 'canceled' then v_now end,
           total = case when v_status = 'draft' then 0 else b.total end,
           started_by = case when v_status <> 'draft' then b.started_by end
     where b.id = p_id;
    if v_status = 'draft' then
      delete from public.broadcast_recipients as r where r.broadcast_id = p_id;
    end if;
  end if;
  perform private.write_audit(
    v_account, 'broadcast_' || p_action, null, null, jsonb_build_object('status', v_row.status),
    jsonb_build_object('broadcast', p_id, 'name', v_row.name)
  );
  return jsonb_build_object('outcome', 'done');
end
$$;

revoke all on function public.switch_broadcast from public, anon, authenticated, service_role;
grant execute on function public.switch_broadcast to bot_backend;
comment on function public.switch_broadcast is 'Pauses, resumes, cancels, returns, deletes a broadcast or what it sent';
