-- Takes the next version of a conversation for a changed message.
--
-- Concurrency: the caller holds the conversation's row.
-- Locks: none.
-- Returns: bigint, the version.
-- Errors: none.
create or replace function private.touch_conversation(p_conversation_id bigint)
returns bigint
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.conversations as c
     set last_version = c.last_version + 1, changed_xid = pg_current_xact_id()
   where c.id = p_conversation_id
  returning c.last_version;
$$;

revoke all on function private.touch_conversation from public, anon, authenticated, service_role;
comment on function private.touch_conversation is 'Takes the next version of a conversation for a changed message';
