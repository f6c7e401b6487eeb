-- Creates a sequence (p_id null), or changes one. p_values: name, event, kind, bot, segment, ignores_limit, leaves_on_purchase,
-- leaves_on_reply, reenter_days. Its steps get kind, bot and ignores_limit.
--
-- Concurrency: the row is locked, and changed in the version that the editor has read only.
-- Locks: sequence, then its steps.
-- Returns: jsonb
--   outcome: 'saved' | 'changed' | 'none'
--   id?: bigint                (saved)
-- Errors: N0009 the role does not allow it, Q0001 a value is invalid.
create or replace function public.save_sequence(p_actor_id bigint, p_id bigint, p_version integer, p_values jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_row public.sequences;
begin
  perform private.require_staff(p_actor_id, 'admin');
  perform private.segment_condition(p_values -> 'segment');
  if p_id is null then
    insert into public.sequences as s (name, event, kind, bot, segment, ignores_limit, leaves_on_purchase, leaves_on_reply, reenter_days)
    values (
      p_values ->> 'name', p_values ->> 'event', p_values ->> 'kind', p_values ->> 'bot', p_values -> 'segment',
      (p_values ->> 'ignores_limit')::boolean, (p_values ->> 'leaves_on_purchase')::boolean,
      (p_values ->> 'leaves_on_reply')::boolean, (p_values ->> 'reenter_days')::integer
    )
    returning s.* into v_row;
    return jsonb_build_object('outcome', 'saved', 'id', v_row.id);
  end if;
  select s.* into v_row from public.sequences as s where s.id = p_id for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_row.version <> p_version then
    return jsonb_build_object('outcome', 'changed');
  end if;
  update public.sequences as s
     set name = p_values ->> 'name',
         event = p_values ->> 'event',
         kind = p_values ->> 'kind',
         bot = p_values ->> 'bot',
         segment = p_values -> 'segment',
         ignores_limit = (p_values ->> 'ignores_limit')::boolean,
         leaves_on_purchase = (p_values ->> 'leaves_on_purchase')::boolean,
         leaves_on_reply = (p_values ->> 'leaves_on_reply')::boolean,
         reenter_days = (p_values ->> 'reenter_days')::integer,
         version = s.version + 1,
         updated_at = v_now
   where s.id = p_id
  returning s.* into v_row;
  update public.broadcasts as b
     set kind = v_row.kind, bot = v_row.bot, ignores_limit = v_row.ignores_limit
   where b.sequence_id = p_id;
  return jsonb_build_object('outcome', 'saved', 'id', p_id);
exception
  when check_violation or not_null_violation or invalid_text_representation then
    raise exception 'a value is invalid' using errcode = 'Q0001';
end
$$;

revoke all on function public.save_sequence from public, anon, authenticated, service_role;
grant execute on function public.save_sequence to bot_backend;
comment on function public.save_sequence is 'Creates or changes a sequence';
