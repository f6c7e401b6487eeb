-- Makes a human answer in a conversation, as a message of the staff is about to be sent: takes over from the bot, with a notice
-- to the user, keeps the bot away for longer, assigns the conversation if it is unassigned, ends the user's waiting.
--
-- Concurrency: the caller holds the conversation's row.
-- Locks: as private.switch_handler.
-- Returns: public.conversations, the changed row.
-- Errors: none.
create or replace function private.begin_human_reply(p_conversation public.conversations, p_actor_id bigint, p_notice jsonb)
returns public.conversations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_hours constant double precision := private.setting('messenger_human_hours')::double precision;
  v_until timestamptz;
  v_conversation public.conversations;
begin
  v_until := case when v_hours > 0 and p_conversation.connection = '' then v_now + make_interval(secs => v_hours * 3600) end;
  v_conversation := private.switch_handler(p_conversation, 'human', v_until);
  if p_conversation.handler = 'bot' then
    perform private.add_conversation_event(v_conversation.id, p_actor_id, 'taken_over');
    perform private.queue_notice(v_conversation.id, p_notice);
  end if;
  perform private.count_reply(p_conversation, p_actor_id);
  update public.conversations as c
     set assignee_id = coalesce(c.assignee_id, p_actor_id), waiting_since = null, status = 'open', snoozed_until = null,
         closed_at = null
   where c.id = v_conversation.id
  returning c.* into v_conversation;
  return v_conversation;
end
$$;

revoke all on function private.begin_human_reply from public, anon, authenticated, service_role;
comment on function private.begin_human_reply is 'Makes a human answer in a conversation';
