-- Marks a conversation as read by a member of the staff, up to a message.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.mark_conversation_read(p_actor_id bigint, p_conversation_id bigint, p_seq bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  perform private.mark_read_until(v_conversation, p_actor_id, p_seq);
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.mark_conversation_read from public, anon, authenticated, service_role;
grant execute on function public.mark_conversation_read to bot_backend;
comment on function public.mark_conversation_read is 'Marks a conversation as read by a member of the staff';
