-- Creates a draft or a step of a sequence (p_id null), or changes one. p_values: name, kind, bot, segment, content,
-- ignores_limit; of a step also sequence_id (of a new one) and delay_minutes. A broadcast that has started does not change; a
-- step does, for users who have not received it.
--
-- Concurrency: the row is locked, and changed in the version that the editor has read only.
-- Locks: sequence (a new step), broadcast.
-- Returns: jsonb
--   outcome: 'saved' | 'changed' | 'started' | 'none'
--   id?: bigint                (saved)
-- Errors: N0009 the role does not allow it, Q0001 a value is invalid.
create or replace function public.save_broadcast(
  p_actor_id bigint, p_id bigint, p_version integer, p_values jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_row public.broadcasts;
  v_sequence public.sequences;
begin
  perform private.require_staff(p_actor_id, 'admin');
  if p_id is null then
    if p_values ? 'sequence_id' then
      select s.* into v_sequence
        from public.sequences as s
       where s.id = (p_values ->> 'sequence_id')::bigint
         for update;
      if not found then
        return jsonb_build_object('outcome', 'none');
      end if;
      v_row.sequence_id := v_sequence.id;
      v_row.position := coalesce(
        (select max(b.position) from public.broadcasts as b where b.sequence_id = v_sequence.id), 0
      ) + 1;
      v_row.status := case when v_sequence.is_active then 'running' else 'paused' end;
    end if;
    v_row.version := 0;
  else
    select b.* into v_row from public.broadcasts as b where b.id = p_id for update;
    if not found then
      return jsonb_build_object('outcome', 'none');
    elsif v_row.version <> p_version then
      return jsonb_build_object('outcome', 'changed');
    elsif v_row.sequence_id is null and v_row.status <> 'draft' then
      return jsonb_build_object('outcome', 'started');
    end if;
    select s.* into v_sequence from public.sequences as s where s.id = v_row.sequence_id;
  end if;
  perform private.segment_condition(p_values -> 'segment');
  v_row.name := p_values ->> 'name';
  v_row.kind := coalesce(v_sequence.kind, p_values ->> 'kind');
  v_row.bot := case when v_sequence.id is null then p_values ->> 'bot' else v_sequence.bot end;
  v_row.segment := p_values -> 'segment';
  v_row.content := p_values -> 'content';
  v_row.ignores_limit := coalesce(v_sequence.ignores_limit, (p_values ->> 'ignores_limit')::boolean, false);
  v_row.delay_minutes := case when v_row.sequence_id is not null then (p_values ->> 'delay_minutes')::integer end;
  if p_id is null then
    insert into public.broadcasts as b (
      name, kind, bot, segment, content, ignores_limit, status, sequence_id, position, delay_minutes, updated_by
    )
    values (
      v_row.name, v_row.kind, v_row.bot, v_row.segment, v_row.content, v_row.ignores_limit,
      coalesce(v_row.status, 'draft'), v_row.sequence_id, v_row.position, v_row.delay_minutes, p_actor_id
    )
    returning b.id into v_row.id;
  else
    update public.broadcasts as b
       set name = v_row.name, kind = v_row.kind, bot = v_row.bot, segment = v_row.segment, content = v_row.content,
           ignores_limit = v_row.ignores_limit, delay_minutes = v_row.delay_minutes, version = b.version + 1,
           updated_by = p_actor_id, updated_at = v_now
     where b.id = p_id;
  end if;
  return jsonb_build_object('outcome', 'saved', 'id', v_row.id);
exception
  when check_violation or not_null_violation or invalid_text_representation or numeric_value_out_of_range then
    raise exception 'a value is invalid' using errcode = 'Q0001';
end
$$;

revoke all on function public.save_broadcast from public, anon, authenticated, service_role;
grant execute on function public.save_broadcast to bot_backend;
comment on function public.save_broadcast is 'Creates or changes a draft or a step of a sequence';
