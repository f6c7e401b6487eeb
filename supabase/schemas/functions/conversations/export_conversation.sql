-- Returns the messages of a conversation for a file: the newest, p_limit at most and as many as fit whole into p_bytes.
--
-- p_id: 0 of the main conversation of the session.
--
-- Concurrency: read-only, over messages_conversation_idx.
-- Locks: none.
-- Returns: jsonb
--   name: text | null
--   is_cut: boolean                         (there are older messages)
--   messages: [ { role: 'user' | 'assistant', content: text, created_at: timestamptz } ]   (oldest first)
-- Errors: none.
create or replace function public.export_conversation(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_id bigint, p_limit integer default 5000,
  p_bytes integer default 5000000
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.ai_conversations;
  v_messages bigint;
  v_result jsonb;
begin
  select c.* into v_conversation
    from public.ai_conversations as c
   where c.id = p_id
     and c.user_id = p_user_id and c.bot = p_bot and c.chat_id = p_chat_id and c.thread_id = p_thread;
  v_messages := case when v_conversation.is_main then 0 else p_id end;
  with newest as (
    select m.id, m.role, m.content, m.created_at,
      row_number() over (order by m.id desc) as position,
      sum(octet_length(m.content)) over (order by m.id desc) as bytes
      from (
        select r.id, r.role, r.content, r.created_at
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and r.conversation_id = v_messages
         order by r.id desc
         limit p_limit + 1
      ) as m
  )
  select jsonb_build_object(
      'name', v_conversation.name,
      'is_cut', coalesce(bool_or(n.position > p_limit or n.bytes > p_bytes), false),
      'messages', coalesce(
        jsonb_agg(
          jsonb_build_object('role', n.role, 'content', n.content, 'created_at', n.created_at) order by n.id
        ) filter (where n.position <= p_limit and n.bytes <= p_bytes), '[]'::jsonb
      )
    )
    into v_result
    from newest as n;
  return v_result;
end
$$;

revoke all on function public.export_conversation from public, anon, authenticated, service_role;
grant execute on function public.export_conversation to bot_backend;
comment on function public.export_conversation is 'Returns the messages of a conversation for a file';
