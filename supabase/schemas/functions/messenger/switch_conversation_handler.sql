-- Decides who answers in a conversation: bot, human, or neither (paused: until the team changes it).
--
-- p_notice: text by language for the user, sent once where the handler changes between the bot and humans.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation; I0002 no such handler.
create or replace function public.switch_conversation_handler(p_actor_id bigint, p_conversation_id bigint, p_handler text, p_notice jsonb default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_hours constant double precision := private.setting('messenger_human_hours')::double precision;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  if p_handler not in ('bot', 'human', 'paused') then
    raise exception 'no such handler' using errcode = 'I0002';
  elsif v_conversation.handler <> p_handler then
    perform private.switch_handler(
      v_conversation, p_handler,
      case when p_handler = 'human' and v_hours > 0 then private.clock() + make_interval(secs => v_hours * 3600) end
    );
    perform private.add_conversation_event(
      p_conversation_id, p_actor_id, case p_handler when 'bot' then 'returned' when 'human' then 'taken_over' else 'paused' end
    );
    if p_handler <> 'paused' then
      perform private.queue_notice(p_conversation_id, p_notice);
    end if;
  end if;
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.switch_conversation_handler from public, anon, authenticated, service_role;
grant execute on function public.switch_conversation_handler to bot_backend;
comment on function public.switch_conversation_handler is 'Decides who answers in a conversation';
