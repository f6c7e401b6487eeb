-- Writes a message of a chat between a customer and the owner's own account (business_message) into a conversation, with the
-- customer as its user. The customer's row is created like that of any update, without a session.
--
-- p_connection: business_connection_id. p_telegram_user: the customer, as for receive_update. p_is_own: the owner's account wrote
-- it. p_message: as for private.record_incoming_message.
--
-- Concurrency: the conversation is locked; a message that it has already, such as one that the team sent, is not written again.
-- Locks: as private.upsert_user and private.open_messenger_conversation.
-- Returns: jsonb
--   outcome: 'recorded' | 'banned'
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.record_business_message(p_bot text, p_connection text, p_telegram_user jsonb, p_is_own boolean, p_message jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_conversation public.conversations;
  v_message public.conversation_messages;
begin
  v_user := private.upsert_user(p_telegram_user, private.clock(), p_bot);
  if v_user.banned_at is not null then
    return '{"outcome": "banned"}'::jsonb;
  elsif not p_is_own then
    perform private.record_incoming_message(v_user.id, p_bot, p_message, p_connection);
    return '{"outcome": "recorded"}'::jsonb;
  end if;
  v_conversation := private.open_messenger_conversation(v_user.id, p_bot, p_connection);
  select m.* into v_message
    from public.conversation_messages as m
   where m.conversation_id = v_conversation.id and m.telegram_message_id = (p_message ->> 'message_id')::bigint;
  if v_message.id is null then
    v_conversation := private.next_message_number(v_conversation.id);
    insert into public.conversation_messages (
      conversation_id, body, direction, kind, source, seq, version, telegram_message_id, reply_to, media, read, status
    )
    values (
      v_conversation.id, p_message ->> 'body', 1, p_message ->> 'kind', 'staff', v_conversation.last_seq,
      v_conversation.last_version, (p_message ->> 'message_id')::bigint, (p_message ->> 'reply_to')::bigint,
      p_message -> 'media', true, 'sent'
    );
    update public.conversations as c
       set waiting_since = null, last_message_at = private.clock(),
           preview = private.message_preview(p_message ->> 'kind', p_message ->> 'body')
     where c.id = v_conversation.id;
  elsif p_message ? 'is_edit' and v_message.body <> p_message ->> 'body' then
    perform private.revise_message(
      v_message, private.touch_conversation(v_conversation.id), p_message ->> 'body', p_message -> 'media'
    );
  end if;
  return '{"outcome": "recorded"}'::jsonb;
end
$$;

revoke all on function public.record_business_message from public, anon, authenticated, service_role;
grant execute on function public.record_business_message to bot_backend;
comment on function public.record_business_message is 'Writes a message of a chat with the owner''s own account';
