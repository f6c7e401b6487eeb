-- Activates or stops a sequence, or deletes one that is stopped. p_action: start, stop, delete. While it is stopped, users neither
-- enter nor move on.
--
-- Concurrency: the row is locked; an action that does not fit the state changes nothing.
-- Locks: sequence, then its steps.
-- Returns: jsonb
--   outcome: 'done' | 'state' | 'empty' | 'none'        (empty: no step has a text)
-- Errors: N0009 the role does not allow it.
create or replace function public.switch_sequence(p_actor_id bigint, p_id bigint, p_action text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_account constant text := private.require_staff(p_actor_id, 'admin');
  v_row public.sequences;
begin
  select s.* into v_row from public.sequences as s where s.id = p_id for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif p_action not in ('start', 'stop', 'delete') or v_row.is_active = (p_action <> 'stop') then
    return jsonb_build_object('outcome', 'state');
  elsif p_action = 'start' and not exists (select from public.broadcasts as b where b.sequence_id = p_id and private.is_written(b)) then
    return jsonb_build_object('outcome', 'empty');
  end if;
  if p_action = 'delete' then
    delete from public.sequences as s where s.id = p_id;
  else
    update public.sequences as s
       set is_active = p_action = 'start', starts_from = v_now, updated_at = v_now
     where s.id = p_id;
    update public.broadcasts as b
       set status = case p_action when 'start' then 'running' else 'paused' end
     where b.sequence_id = p_id;
  end if;
  perform private.write_audit(
    v_account, 'sequence_' || p_action, null, null, '{}', jsonb_build_object('sequence', p_id, 'name', v_row.name)
  );
  return jsonb_build_object('outcome', 'done');
end
$$;

revoke all on function public.switch_sequence from public, anon, authenticated, service_role;
grant execute on function public.switch_sequence to bot_backend;
comment on function public.switch_sequence is 'Activates, stops or deletes a sequence';
