-- Takes a conversation out of the open ones until a time; null: puts it back. A message of the user ends that.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.snooze_conversation(p_actor_id bigint, p_conversation_id bigint, p_until timestamptz)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  update public.conversations as c
     set snoozed_until = p_until, changed_xid = pg_current_xact_id()
   where c.id = p_conversation_id;
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.snooze_conversation from public, anon, authenticated, service_role;
grant execute on function public.snooze_conversation to bot_backend;
comment on function public.snooze_conversation is 'Takes a conversation out of the open ones until a time';
