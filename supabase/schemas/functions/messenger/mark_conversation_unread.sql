-- Marks a conversation as unread for a member of the staff, until they open it again.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.mark_conversation_unread(p_actor_id bigint, p_conversation_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  insert into public.conversation_reads as r (conversation_id, operator_id, read_seq, is_marked_unread)
  values (p_conversation_id, p_actor_id, 0, true)
  on conflict (conversation_id, operator_id) do update set is_marked_unread = true;
  perform private.touch_conversation(p_conversation_id);
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.mark_conversation_unread from public, anon, authenticated, service_role;
grant execute on function public.mark_conversation_unread to bot_backend;
comment on function public.mark_conversation_unread is 'Marks a conversation as unread for a member of the staff';
