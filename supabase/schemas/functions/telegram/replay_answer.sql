-- Answers a redelivery of a finished or dead-lettered update: with the stored answer and the outbox items that are
-- due.
--
-- The answer is null once a later message of the same session was received: Telegram sends a chat's messages one
-- after another, so the answer to this one has arrived. p_chat_id is the chat of this delivery; it completes an
-- answer whose chat id an erasure removed.
--
-- Concurrency: the caller holds the update row. Outbox items are leased for a minute when they are handed out, so a
--   redelivery and the sweep never send the same ones.
-- Locks: outbox items of the update (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb, {outcome: finished, answer, outgoing: [{id, method, parameters}]}, or {outcome: busy, retry_after
--   (seconds)} while another worker sends the first items of the update.
-- Errors: none.
create or replace function private.replay_answer(p_bot text, p_update_id bigint, p_chat_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_update public.telegram_updates;
  v_outgoing jsonb;
  v_arrived boolean;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id;
  v_outgoing := private.claim_update_outbox(p_bot, p_update_id);
  if v_outgoing is null and exists (
    select from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id and o.attempts = 0
  ) then
    return jsonb_build_object('outcome', 'busy', 'retry_after', 5);
  end if;
  select coalesce(max(s.last_update_id) > p_update_id, false) into v_arrived
    from public.bot_sessions as s
   where s.user_id = v_update.user_id and s.bot = p_bot and s.chat_id = v_update.chat_id
     and s.thread_id = v_update.thread_id
     and v_update.kind in ('message', 'edited_message');
  return jsonb_build_object(
    'outcome', 'finished',
    'answer', case
      when v_arrived then null
      when v_update.chat_id is null then v_update.answer || jsonb_build_object('chat_id', p_chat_id)
      else v_update.answer
    end,
    'outgoing', coalesce(v_outgoing, '[]'::jsonb)
  );
end
$$;

revoke all on function private.replay_answer from public, anon, authenticated, service_role;
comment on function private.replay_answer is 'Answers a redelivery of a finished update';
