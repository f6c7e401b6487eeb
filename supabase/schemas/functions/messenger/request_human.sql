-- Lets a human answer in a conversation because the user asked for one, or the bot again.
--
-- Concurrency: the caller holds the conversation's row. A repeated call changes nothing.
-- Locks: as private.switch_handler.
-- Returns: public.conversations, the row as it is then.
-- Errors: none.
create or replace function private.request_human(p_conversation public.conversations, p_handler text)
returns public.conversations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_hours constant double precision := private.setting('messenger_human_hours')::double precision;
  v_conversation public.conversations;
begin
  if p_handler = 'human' then
    if p_conversation.handler = 'bot' then
      perform private.switch_handler(
        p_conversation, 'human', case when v_hours > 0 then v_now + make_interval(secs => v_hours * 3600) end
      );
      perform private.add_conversation_event(p_conversation.id, null, 'requested');
    end if;
    update public.conversations as c
       set waiting_since = coalesce(c.waiting_since, v_now), status = 'open', snoozed_until = null, closed_at = null
     where c.id = p_conversation.id;
  elsif p_conversation.handler = 'human' then
    perform private.switch_handler(p_conversation, 'bot', null);
    perform private.add_conversation_event(p_conversation.id, null, 'left_to_bot');
  end if;
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation.id;
  return v_conversation;
end
$$;

revoke all on function private.request_human from public, anon, authenticated, service_role;
comment on function private.request_human is 'Lets a human answer because the user asked for one';
