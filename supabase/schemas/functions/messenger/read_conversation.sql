-- Returns a page of a conversation's thread for a member of the staff: the newest messages, those before a number (p_before), or
-- those after one (p_after). The audit log notes once an hour who read which conversation.
--
-- Concurrency: the thread is read from one snapshot; a page is cut by numbers, so new messages shift nothing.
-- Locks: none but the new row of the audit log.
-- Returns: jsonb
--   conversation: private.conversation_row
--   messages: [ private.conversation_message_row ]       (oldest first)
--   has_earlier: boolean
--   has_later: boolean
--   read_seq: bigint       (up to which this member has read)
--   draft: text | null
--   viewers: private.conversation_viewers
--   cursor: text           (of conversation_changes)
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.read_conversation(p_actor_id bigint,
  p_conversation_id bigint,
  p_before bigint default null,
  p_after bigint default null,
  p_limit integer default 50)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_limit constant integer := least(greatest(p_limit, 1), 200);
  v_conversation public.conversations;
  v_messages bigint[];
  v_first bigint;
  v_last bigint;
begin
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation_id;
  if not found then
    raise exception 'no such conversation' using errcode = 'I0001';
  end if;
  perform private.audit_reading(
    v_account, 'read_conversation', p_conversation_id::text, v_conversation.user_id,
    jsonb_build_object('conversation_id', p_conversation_id)
  );
  v_messages := array(
    select m.seq
      from public.conversation_messages as m
     where m.conversation_id = p_conversation_id and m.seq > coalesce(p_after, 0)
       and m.seq < coalesce(p_before, 9223372036854775807)
     order by case when p_after is null then -m.seq else m.seq end
     limit v_limit
  );
  select min(s.seq), max(s.seq) into v_first, v_last from unnest(v_messages) as s (seq);
  return jsonb_build_object(
    'conversation', private.conversation_row(v_conversation, p_actor_id),
    'messages', (
      select coalesce(jsonb_agg(private.conversation_message_row(m) order by m.seq), '[]'::jsonb)
        from public.conversation_messages as m
       where m.conversation_id = p_conversation_id and m.seq between v_first and v_last
    ),
    'has_earlier', exists (
      select
        from public.conversation_messages as m
       where m.conversation_id = p_conversation_id and m.seq < coalesce(v_first, p_before, 0)
    ),
    'has_later', exists (
      select
        from public.conversation_messages as m
       where m.conversation_id = p_conversation_id and m.seq > coalesce(v_last, p_after, 9223372036854775807)
    ),
    'read_seq', coalesce((
      select r.read_seq
        from public.conversation_reads as r
       where r.conversation_id = p_conversation_id and r.operator_id = p_actor_id
    ), 0),
    'draft', (
      select d.body
        from public.conversation_drafts as d
       where d.conversation_id = p_conversation_id and d.operator_id = p_actor_id
    ),
    'viewers', private.conversation_viewers(p_conversation_id, p_actor_id),
    'cursor', pg_snapshot_xmin(pg_current_snapshot())::text
  );
end
$$;

revoke all on function public.read_conversation from public, anon, authenticated, service_role;
grant execute on function public.read_conversation to bot_backend;
comment on function public.read_conversation is 'Returns a page of a conversation''s thread';
