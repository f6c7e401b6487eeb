-- Stores the picture, video or file of a draft or a step: p_media {kind, name, mime_type, bot, file_id} with p_content in base64, or
-- with a file_id of a bot; null removes it.
--
-- Concurrency: the broadcast is locked; the later of two calls counts.
-- Locks: broadcast.
-- Returns: jsonb
--   outcome: 'saved' | 'started' | 'none'
-- Errors: N0009 the role does not allow it, Q0001 a value is invalid.
create or replace function public.save_broadcast_media(
  p_actor_id bigint, p_broadcast_id bigint, p_media jsonb, p_content text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_row public.broadcasts;
begin
  perform private.require_staff(p_actor_id, 'admin');
  select b.* into v_row from public.broadcasts as b where b.id = p_broadcast_id for update;
  if not found then
    return jsonb_build_object('outcome', 'none');
  elsif v_row.status <> 'draft' and v_row.sequence_id is null then
    return jsonb_build_object('outcome', 'started');
  end if;
  delete from public.broadcast_media as m where m.broadcast_id = p_broadcast_id;
  if p_media is not null then
    insert into public.broadcast_media (broadcast_id, kind, name, mime_type, content, file_ids)
    values (
      p_broadcast_id, p_media ->> 'kind', p_media ->> 'name', p_media ->> 'mime_type', decode(p_content, 'base64'),
      case
        when p_media ->> 'file_id' is null then '{}'::jsonb
        else jsonb_build_object(p_media ->> 'bot', p_media ->> 'file_id')
      end
    );
  end if;
  update public.broadcasts as b set updated_by = p_actor_id, updated_at = private.clock() where b.id = p_broadcast_id;
  return jsonb_build_object('outcome', 'saved');
exception
  when check_violation or not_null_violation or invalid_parameter_value then
    raise exception 'a value is invalid' using errcode = 'Q0001';
end
$$;

revoke all on function public.save_broadcast_media from public, anon, authenticated, service_role;
grant execute on function public.save_broadcast_media to bot_backend;
comment on function public.save_broadcast_media is 'Stores or removes the picture, video or file of a broadcast';
