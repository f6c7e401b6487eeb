-- Lists the conversations of a session, the one used last first, with what the plan allows.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   most: int                               (conversations besides the main one that the plan allows)
--   most_shared: int                        (pages that a user may share; 0: none)
--   shared: int                             (pages of this bot that the user shares)
--   instructions_characters: int            (longest instructions that the plan allows; 0: none)
--   conversations: [ {
--     id: bigint
--     is_main: boolean
--     name: text | null
--     model: text | null
--     has_instructions: boolean
--     last_used_at: timestamptz
--   } ]                                     (without the main one, if nothing was set for it)
-- Errors: none.
create or replace function public.list_conversations(p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_limits record := private.conversation_limits(p_user_id);
begin
  return jsonb_build_object(
    'most', v_limits.conversations,
    'most_shared', private.setting('shared_pages')::integer,
    'shared', (
      select count(*)
        from public.shared_conversations as s
       where s.user_id = p_user_id and s.bot = p_bot and s.withdrawn_at is null
    ),
    'instructions_characters', v_limits.instructions_characters,
    'conversations', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', c.id, 'is_main', c.is_main, 'name', c.name, 'model', c.model,
              'has_instructions', c.instructions is not null, 'last_used_at', c.last_used_at
            )
            order by c.is_main desc, c.last_used_at desc, c.id desc
          ), '[]'::jsonb
        )
        from public.ai_conversations as c
       where c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread
    )
  );
end
$$;

revoke all on function public.list_conversations from public, anon, authenticated, service_role;
grant execute on function public.list_conversations to bot_backend;
comment on function public.list_conversations is 'Lists the conversations of a session';
