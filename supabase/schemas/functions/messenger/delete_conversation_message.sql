-- Deletes a message of the staff from the user's chat, at most 48 hours old; its text stays here. One that is still queued is
-- canceled at once. For one that was sent, the first call says what to delete at Telegram, and the second one, with p_is_done,
-- records it.
--
-- Concurrency: the conversation is locked. A message that is being sent right now is neither canceled nor deleted.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   outcome: 'call' | 'deleted' | 'canceled' | 'too_late'
--   call?: { bot: text, chat_id: bigint, connection: text, message_id: bigint }    (call)
--   message: private.conversation_message_row
-- Errors: N0009 the user's role does not allow it; I0001 no such message.
create or replace function public.delete_conversation_message(p_actor_id bigint, p_message_id bigint, p_is_done boolean default false)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_conversation public.conversations;
  v_message public.conversation_messages;
begin
  v_conversation := private.lock_messenger_conversation(
    p_actor_id, (select m.conversation_id from public.conversation_messages as m where m.id = p_message_id)
  );
  select m.* into v_message from public.conversation_messages as m where m.id = p_message_id;
  if v_message.source = 'staff' and v_message.status in ('queued', 'failed') then
    update public.conversation_messages as m
       set status = 'canceled', version = private.touch_conversation(m.conversation_id)
     where m.id = p_message_id
    returning m.* into v_message;
    return jsonb_build_object('outcome', 'canceled', 'message', private.conversation_message_row(v_message));
  elsif v_message.deleted_at is not null then
    return jsonb_build_object('outcome', 'deleted', 'message', private.conversation_message_row(v_message));
  elsif not (private.is_message_changeable(v_message) or p_is_done and v_message.status = 'sent') then
    return jsonb_build_object('outcome', 'too_late', 'message', private.conversation_message_row(v_message));
  elsif not p_is_done then
    return jsonb_build_object(
      'outcome', 'call',
      'call', jsonb_build_object(
        'bot', v_conversation.bot,
        'chat_id', (select u.telegram_id from public.users as u where u.id = v_conversation.user_id),
        'connection', v_conversation.connection, 'message_id', v_message.telegram_message_id
      ),
      'message', private.conversation_message_row(v_message)
    );
  end if;
  update public.conversation_messages as m
     set deleted_at = private.clock(), version = private.touch_conversation(m.conversation_id)
   where m.id = p_message_id
  returning m.* into v_message;
  perform private.write_audit(
    v_account, 'delete_message', v_conversation.user_id, null, '{}',
    jsonb_build_object('conversation_id', v_conversation.id, 'seq', v_message.seq)
  );
  return jsonb_build_object('outcome', 'deleted', 'message', private.conversation_message_row(v_message));
end
$$;

revoke all on function public.delete_conversation_message from public, anon, authenticated, service_role;
grant execute on function public.delete_conversation_message to bot_backend;
comment on function public.delete_conversation_message is 'Deletes a message of the staff from the user''s chat';
