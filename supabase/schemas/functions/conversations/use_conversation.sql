-- Notes that a conversation was used, and names it after its first question.
--
-- Concurrency: the row is locked until the messages are stored. A deletion that came first leaves nothing to store them in; one
--   that comes later deletes them.
-- Locks: conversation.
-- Returns: bigint, conversation_id of its messages (0: the main one); null if it was deleted.
-- Errors: none.
create or replace function private.use_conversation(
  p_update public.telegram_updates, p_id bigint, p_name text, p_now timestamptz
)
returns bigint
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_messages bigint;
begin
  update public.ai_conversations as c
     set last_used_at = p_now,
         name = case when c.is_main then c.name else coalesce(c.name, p_name) end
   where c.id = p_id and c.user_id = p_update.user_id
  returning case when c.is_main then 0 else c.id end into v_messages;
  return v_messages;
end
$$;

revoke all on function private.use_conversation from public, anon, authenticated, service_role;
comment on function private.use_conversation is 'Notes that a conversation was used';
