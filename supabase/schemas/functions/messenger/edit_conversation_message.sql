-- Edits a message of the staff, at most 48 hours old. One that is still queued is changed at once. For one that was sent, the
-- first call says what to edit at Telegram, and the second one, with p_is_done, records it; the former text becomes a revision.
--
-- Concurrency: the conversation is locked. A caller that dies between its two calls leaves the former text here; to edit it again
--   ends in the same text at Telegram.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   outcome: 'call' | 'edited' | 'too_late'
--   call?: {               (call)
--     bot: text, chat_id: bigint, connection: text, message_id: bigint, kind: text, buttons: jsonb | null
--   }
--   message: private.conversation_message_row
-- Errors: N0009 the user's role does not allow it; I0001 no such message; I0002 the text is invalid.
create or replace function public.edit_conversation_message(p_actor_id bigint, p_message_id bigint, p_body text, p_is_done boolean default false)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_message public.conversation_messages;
  v_is_queued boolean;
begin
  v_conversation := private.lock_messenger_conversation(
    p_actor_id, (select m.conversation_id from public.conversation_messages as m where m.id = p_message_id)
  );
  select m.* into v_message from public.conversation_messages as m where m.id = p_message_id;
  if length(p_body) > (case v_message.kind when 'text' then 4096 else 1024 end) or v_message.kind = 'text' and p_body !~ '\S' then
    raise exception 'the text is invalid' using errcode = 'I0002';
  end if;
  v_is_queued := v_message.source = 'staff' and v_message.status = 'queued';
  if not v_is_queued and not (private.is_message_changeable(v_message) or p_is_done and v_message.status = 'sent') then
    return jsonb_build_object('outcome', 'too_late', 'message', private.conversation_message_row(v_message));
  elsif not v_is_queued and not p_is_done then
    return jsonb_build_object(
      'outcome', 'call',
      'call', jsonb_build_object(
        'bot', v_conversation.bot,
        'chat_id', (select u.telegram_id from public.users as u where u.id = v_conversation.user_id),
        'connection', v_conversation.connection, 'message_id', v_message.telegram_message_id, 'kind', v_message.kind,
        'buttons', v_message.buttons
      ),
      'message', private.conversation_message_row(v_message)
    );
  end if;
  if v_message.body is distinct from p_body then
    perform private.revise_message(v_message, private.touch_conversation(v_conversation.id), p_body, v_message.media);
    select m.* into v_message from public.conversation_messages as m where m.id = p_message_id;
    perform private.write_audit(
      private.account_name(p_actor_id), 'edit_message', v_conversation.user_id, null, '{}',
      jsonb_build_object('conversation_id', v_conversation.id, 'seq', v_message.seq)
    );
  end if;
  return jsonb_build_object('outcome', 'edited', 'message', private.conversation_message_row(v_message));
end
$$;

revoke all on function public.edit_conversation_message from public, anon, authenticated, service_role;
grant execute on function public.edit_conversation_message to bot_backend;
comment on function public.edit_conversation_message is 'Edits a message of the staff';
