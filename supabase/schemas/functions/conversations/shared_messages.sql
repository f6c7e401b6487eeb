-- Returns the messages of a shared page as they are now, and their digest.
--
-- Concurrency: read-only, over messages_conversation_idx.
-- Locks: none.
-- Returns: record: digest (null without messages), messages jsonb [{role, content}] (oldest first), since (when the oldest was
--   written).
-- Errors: none.
create or replace function private.shared_messages(
  p_page public.shared_conversations, out digest bytea, out messages jsonb, out since timestamptz
)
returns record
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    sha256(convert_to(string_agg(m.id || ':' || m.content, E'\n' order by m.id), 'UTF8')),
    coalesce(jsonb_agg(jsonb_build_object('role', m.role, 'content', m.content) order by m.id), '[]'::jsonb),
    min(m.created_at)
    from public.messages as m
   where m.user_id = p_page.user_id and m.bot = p_page.bot and m.chat_id = p_page.chat_id
     and m.thread_id = p_page.thread_id and m.conversation_id = p_page.conversation_id
     and m.id between p_page.first_message and p_page.last_message;
$$;

revoke all on function private.shared_messages from public, anon, authenticated, service_role;
comment on function private.shared_messages is 'Returns the messages of a shared page as they are now';
