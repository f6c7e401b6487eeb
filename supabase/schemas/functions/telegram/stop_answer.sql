-- Notes that the user stopped the answer to an update while it was written. Its worker, in whatever instance, reads that
-- (public.answer_state) and sends what was written so far.
--
-- p_update_id: the draft that was stopped, which has the number of the update. p_chat_id: where it was shown, the user's
-- private chat.
--
-- Concurrency: a repeated call changes nothing. A worker that commits at the same moment keeps its whole answer.
-- Locks: update row.
-- Returns: jsonb
--   outcome: 'stopped' | 'late'   (late: the answer is complete, or there is none in this chat)
-- Errors: none.
create or replace function public.stop_answer(p_bot text, p_update_id bigint, p_chat_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.telegram_updates as t
     set is_stopped = true
   where t.bot = p_bot and t.update_id = p_update_id and t.chat_id = p_chat_id and t.status = 'working'
     and t.received_at >= private.clock() - interval '48 hours';
  return jsonb_build_object('outcome', case when found then 'stopped' else 'late' end);
end
$$;

revoke all on function public.stop_answer from public, anon, authenticated, service_role;
grant execute on function public.stop_answer to bot_backend;
comment on function public.stop_answer is 'Notes that the user stopped an answer while it was written';
