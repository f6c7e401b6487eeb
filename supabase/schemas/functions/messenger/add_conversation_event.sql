-- Writes into the thread what happened to a conversation: assigned, closed, taken over. What a member of the staff did is in the
-- audit log too.
--
-- The body is a word that pages translate, with what belongs to it in media.
--
-- Concurrency: the caller holds the conversation's row.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.add_conversation_event(p_conversation_id bigint, p_actor_id bigint, p_event text, p_values jsonb default null)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  v_conversation := private.next_message_number(p_conversation_id);
  insert into public.conversation_messages (
    conversation_id, admin_id, body, direction, kind, source, seq, version, media, read
  )
  values (
    p_conversation_id, p_actor_id, p_event, 1, 'event', 'system', v_conversation.last_seq, v_conversation.last_version,
    p_values, true
  );
  if p_actor_id is not null then
    perform private.write_audit(
      private.account_name(p_actor_id), 'conversation_' || p_event, v_conversation.user_id, null, '{}',
      jsonb_build_object('conversation_id', p_conversation_id) || coalesce(p_values, '{}')
    );
  end if;
end
$$;

revoke all on function private.add_conversation_event from public, anon, authenticated, service_role;
comment on function private.add_conversation_event is 'Writes into the thread what a member of the team did';
