-- Takes the next numbers of a conversation for a message that the team adds.
--
-- Concurrency: the caller holds the conversation's row.
-- Locks: none.
-- Returns: public.conversations, the changed row: last_seq and last_version are the message's.
-- Errors: none.
create or replace function private.next_message_number(p_conversation_id bigint)
returns public.conversations
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.conversations as c
     set last_seq = c.last_seq + 1, last_version = c.last_version + 1, changed_xid = pg_current_xact_id()
   where c.id = p_conversation_id
  returning c.*;
$$;

revoke all on function private.next_message_number from public, anon, authenticated, service_role;
comment on function private.next_message_number is 'Takes the next numbers of a conversation for a message';
