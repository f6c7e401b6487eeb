-- Claims the latest answer of a conversation for an update that replaces or continues it: a tap on a button below the answer.
--
-- p_answer: the update_id that the button names, see messages.update_id. p_conversation: messages.conversation_id of the
-- conversation that the user is in.
--
-- Concurrency: the answer's row is locked, so of two taps at once one gets it; the other gets busy while the first works.
--   A repeated attempt of the same update, and an update after one that failed, get it again. The answer is replaced by
--   public.finish_update, which looks for it anew: the user may clear the history meanwhile.
-- Locks: update row, user (KEY SHARE), answer.
-- Returns: jsonb
--   outcome: 'claimed' | 'busy' | 'elsewhere' | 'old' | 'superseded'
--                          (elsewhere: it belongs to another conversation of this chat; old: it is not the latest
--                          answer of this one, or left the history)
--   question?: text | null (claimed: what the user asked, as the history has it)
--   answer?: text          (claimed)
-- Errors: none.
create or replace function public.claim_turn(
  p_bot text, p_update_id bigint, p_attempt integer, p_answer bigint, p_conversation bigint default 0
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_update public.telegram_updates;
  v_answer public.messages;
  v_question text;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status is distinct from 'working' or v_update.attempt <> p_attempt then
    return jsonb_build_object('outcome', 'superseded');
  elsif not private.lock_user(v_update) then  -- erased concurrently
    return jsonb_build_object('outcome', 'superseded');
  end if;
  select m.* into v_answer
    from public.messages as m
   where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
     and m.thread_id = v_update.thread_id and m.conversation_id = p_conversation
   order by m.id desc
   limit 1
     for update;
  if v_answer.role is distinct from 'assistant' or v_answer.update_id is distinct from p_answer then
    return jsonb_build_object('outcome', case
      when exists (
        select
          from public.messages as m
         where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
           and m.thread_id = v_update.thread_id and m.conversation_id <> p_conversation and m.update_id = p_answer
      ) then 'elsewhere'
      else 'old'
    end);
  end if;
  if v_answer.claimed_by <> p_update_id and exists (
    select
      from public.telegram_updates as t
     where t.bot = p_bot and t.update_id = v_answer.claimed_by and t.status = 'working'
       and t.lease_until > private.clock()
  ) then
    return jsonb_build_object('outcome', 'busy');
  end if;
  update public.messages as m set claimed_by = p_update_id where m.id = v_answer.id;
  select m.content into v_question
    from public.messages as m
   where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
     and m.thread_id = v_update.thread_id and m.conversation_id = p_conversation and m.update_id = p_answer
     and m.role = 'user' and m.id < v_answer.id
   order by m.id desc
   limit 1;
  return jsonb_build_object('outcome', 'claimed', 'question', v_question, 'answer', v_answer.content);
end
$$;

revoke all on function public.claim_turn from public, anon, authenticated, service_role;
grant execute on function public.claim_turn to bot_backend;
comment on function public.claim_turn is 'Claims the latest answer of a conversation to replace or continue it';
