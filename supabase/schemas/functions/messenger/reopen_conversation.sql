-- Opens a closed conversation again.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.reopen_conversation(p_actor_id bigint, p_conversation_id bigint)
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
  if v_conversation.status = 'closed' then
    update public.conversations as c set status = 'open', closed_at = null where c.id = p_conversation_id;
    perform private.add_conversation_event(p_conversation_id, p_actor_id, 'reopened');
  end if;
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.reopen_conversation from public, anon, authenticated, service_role;
grant execute on function public.reopen_conversation to bot_backend;
comment on function public.reopen_conversation is 'Opens a closed conversation again';
