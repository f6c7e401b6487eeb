-- Queues a message of the staff again that failed, whose outcome is unknown, or that was canceled: only a member decides that.
--
-- Concurrency: the conversation is locked; of two calls at once the second finds it queued and changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_message_row
-- Errors: N0009 the user's role does not allow it; I0001 no such message; I0002 it cannot be sent again.
create or replace function public.retry_conversation_message(p_actor_id bigint, p_message_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_message public.conversation_messages;
begin
  v_conversation := private.lock_messenger_conversation(
    p_actor_id, (select m.conversation_id from public.conversation_messages as m where m.id = p_message_id)
  );
  select m.* into v_message from public.conversation_messages as m where m.id = p_message_id;
  if v_message.source not in ('staff', 'system') or v_message.media ? 'upload' or v_message.kind in ('note', 'event') then
    raise exception 'the message cannot be sent again' using errcode = 'I0002';
  end if;
  if v_message.status in ('failed', 'unknown', 'canceled') then
    update public.conversation_messages as m
       set status = 'queued', error = null, lease = null, lease_until = null, send_after = private.clock(),
           created_at = private.clock(), version = private.touch_conversation(m.conversation_id)
     where m.id = p_message_id
    returning m.* into v_message;
    if v_message.source = 'staff' then
      v_conversation := private.begin_human_reply(v_conversation, p_actor_id, null);
    end if;
  end if;
  return private.conversation_message_row(v_message);
end
$$;

revoke all on function public.retry_conversation_message from public, anon, authenticated, service_role;
grant execute on function public.retry_conversation_message to bot_backend;
comment on function public.retry_conversation_message is 'Queues a message of the staff again';
