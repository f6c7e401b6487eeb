-- Writes a note into a conversation that only the staff sees. It is never sent, and no AI reads it. The audit log has who wrote one,
-- without its text.
--
-- Concurrency: the conversation is locked; a repeated call with p_reference writes no second note.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_message_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation; I0002 the note is empty or too long.
create or replace function public.add_conversation_note(p_actor_id bigint, p_conversation_id bigint, p_body text, p_reference text)
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
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  select m.* into v_message from public.conversation_messages as m where m.reference = p_reference;
  if found then
    return private.conversation_message_row(v_message);
  elsif p_body !~ '\S' or length(p_body) > 4096 or coalesce(p_reference, '') = '' then
    raise exception 'the note is invalid' using errcode = 'I0002';
  end if;
  v_conversation := private.next_message_number(p_conversation_id);
  insert into public.conversation_messages (
    conversation_id, admin_id, body, direction, kind, source, seq, version, read, reference
  )
  values (
    p_conversation_id, p_actor_id, p_body, 1, 'note', 'staff', v_conversation.last_seq, v_conversation.last_version, true,
    p_reference
  )
  returning * into v_message;
  perform private.write_audit(
    private.account_name(p_actor_id), 'add_note', v_conversation.user_id, null, '{}',
    jsonb_build_object('conversation_id', p_conversation_id, 'message_id', v_message.id)
  );
  return private.conversation_message_row(v_message);
end
$$;

revoke all on function public.add_conversation_note from public, anon, authenticated, service_role;
grant execute on function public.add_conversation_note to bot_backend;
comment on function public.add_conversation_note is 'Writes a note into a conversation that only the staff sees';
