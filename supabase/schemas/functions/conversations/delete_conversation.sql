-- Deletes a named conversation with its messages, and withdraws its pages. The main conversation of a session stays; /clear empties it.
--
-- Concurrency: the row is deleted before the messages. An answer that is stored at this moment is deleted with it or, after it,
--   not stored (private.use_conversation).
-- Locks: conversation, then its messages, then its pages.
-- Returns: jsonb
--   deleted: boolean           (false: it was not there)
-- Errors: none.
create or replace function public.delete_conversation(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_id bigint
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.ai_conversations as c
   where c.id = p_id and not c.is_main
     and c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread;
  if not found then
    return jsonb_build_object('deleted', false);
  end if;
  delete from public.messages as m
   where m.user_id = p_user_id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
     and m.conversation_id = p_id;
  update public.shared_conversations as s
     set withdrawn_at = private.clock(), title = null
   where s.user_id = p_user_id and s.bot = p_bot and s.conversation_id = p_id and s.withdrawn_at is null;
  return jsonb_build_object('deleted', true);
end
$$;

revoke all on function public.delete_conversation from public, anon, authenticated, service_role;
grant execute on function public.delete_conversation to bot_backend;
comment on function public.delete_conversation is 'Deletes a named conversation with its messages';
