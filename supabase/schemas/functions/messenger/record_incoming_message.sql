-- Writes a message of a user into their conversation with a bot. It reopens a conversation that is closed or snoozed, and a
-- handler whose time is over is the bot again.
--
-- p_message {kind, body, message_id, media, reply_to, date}, with is_edit: an earlier message has this text now; its
-- former one becomes a revision. A kind event (a tap on a button) is shown, and counts as no message to answer.
-- p_answers_until: the AI is asked, and this is how long its answer may take (conversations.ai_processing_until).
--
-- Concurrency: the conversation is locked, so numbers follow the order of the commits. A message that the conversation
--   has already is not written again.
-- Locks: as private.open_messenger_conversation.
-- Returns: jsonb, {conversation_id, handler, takeovers, is_returned (the bot answers again since this message)}.
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.record_incoming_message(
  p_user_id bigint, p_bot text, p_message jsonb, p_connection text default '', p_answers_until timestamptz default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_is_event constant boolean := p_message ->> 'kind' = 'event';
  v_body constant text := coalesce(p_message ->> 'body', '');
  v_conversation public.conversations;
  v_message public.conversation_messages;
  v_is_returned boolean;
begin
  v_conversation := private.open_messenger_conversation(p_user_id, p_bot, p_connection);
  v_is_returned := coalesce(v_conversation.handler <> 'bot' and v_conversation.handler_until <= v_now, false);
  if v_is_returned then
    v_conversation := private.switch_handler(v_conversation, 'bot', null);
  end if;
  select m.* into v_message
    from public.conversation_messages as m
   where m.conversation_id = v_conversation.id and m.telegram_message_id = (p_message ->> 'message_id')::bigint;
  if v_message.id is null then
    insert into public.conversation_messages (
      conversation_id, user_id, body, direction, kind, source, seq, version, telegram_message_id, reply_to, media, read,
      edited_at, created_at
    )
    values (
      v_conversation.id, p_user_id, v_body, 0, p_message ->> 'kind', 'user', v_conversation.last_seq + 1,
      v_conversation.last_version + 1, (p_message ->> 'message_id')::bigint, (p_message ->> 'reply_to')::bigint,
      nullif(p_message -> 'media', 'null'), v_is_event, case when p_message ? 'is_edit' then v_now end, v_now
    );
    update public.conversations as c
       set last_seq = c.last_seq + 1,
           last_in_seq = case when v_is_event then c.last_in_seq else c.last_seq + 1 end,
           last_version = c.last_version + 1,
           last_message_at = v_now,
           preview = case when v_is_event then c.preview else private.message_preview(p_message ->> 'kind', v_body) end,
           unread_count = c.unread_count + (not v_is_event)::integer,
           waiting_since = case when v_is_event then c.waiting_since else coalesce(c.waiting_since, v_now) end,
           status = case when v_is_event then c.status else 'open' end,
           snoozed_until = case when v_is_event then c.snoozed_until end,
           closed_at = case when v_is_event then c.closed_at end,
           unreachable = null,
           ai_processing_until = case when c.handler = 'bot' then coalesce(p_answers_until, c.ai_processing_until) end,
           changed_xid = pg_current_xact_id()
     where c.id = v_conversation.id;
  elsif p_message ? 'is_edit' and v_message.direction = 0
    and (v_message.body, v_message.media) is distinct from (v_body, nullif(p_message -> 'media', 'null'))
  then
    perform private.revise_message(v_message, v_conversation.last_version + 1, v_body, nullif(p_message -> 'media', 'null'));
    update public.conversations as c
       set last_version = c.last_version + 1,
           ai_processing_until = case when c.handler = 'bot' then coalesce(p_answers_until, c.ai_processing_until) end,
           changed_xid = pg_current_xact_id()
     where c.id = v_conversation.id;
  end if;
  return jsonb_build_object(
    'conversation_id', v_conversation.id, 'handler', v_conversation.handler, 'takeovers', v_conversation.takeovers,
    'is_returned', v_is_returned
  );
end
$$;

revoke all on function private.record_incoming_message from public, anon, authenticated, service_role;
comment on function private.record_incoming_message is 'Writes a message of a user into their conversation';
