-- Returns the question that an answer in a user's private chat replies to, to be reminded of it.
--
-- p_answer: the update that the answer came from (messages.update_id), which its buttons name.
--
-- Concurrency: read-only, over messages_conversation_idx.
-- Locks: none.
-- Returns: jsonb
--   question: text | null     (null: it left the history)
-- Errors: none.
create or replace function public.question_of_answer(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_answer bigint
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'question', (
      select m.content
        from public.messages as m
       where m.user_id = p_user_id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
         and m.update_id = p_answer and m.role = 'user'
       order by m.id desc
       limit 1
    )
  );
end
$$;

revoke all on function public.question_of_answer from public, anon, authenticated, service_role;
grant execute on function public.question_of_answer to bot_backend;
comment on function public.question_of_answer is 'Returns the question that an answer replies to';
