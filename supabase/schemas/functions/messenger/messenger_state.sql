-- Returns who answers in the conversation of a user with a bot, for an update that was received before.
--
-- p_answers_until: the AI is asked again, and this is how long its answer may take (conversations.ai_processing_until).
--
-- Concurrency: an end that is later already stays, so the end of the newest question counts.
-- Locks: with p_answers_until, the conversation where the bot answers.
-- Returns: jsonb, as private.record_incoming_message; null where there is no conversation.
-- Errors: none.
create or replace function private.messenger_state(p_user_id bigint, p_bot text, p_answers_until timestamptz default null)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_answers_until is not null then
    update public.conversations as c
       set ai_processing_until = p_answers_until, changed_xid = pg_current_xact_id()
     where c.user_id = p_user_id and c.bot = p_bot and c.connection = '' and c.handler = 'bot'
       and coalesce(c.ai_processing_until < p_answers_until, true);
  end if;
  return (
    select jsonb_build_object(
        'conversation_id', c.id, 'handler', c.handler, 'takeovers', c.takeovers, 'is_returned', false
      )
      from public.conversations as c
     where c.user_id = p_user_id and c.bot = p_bot and c.connection = ''
  );
end
$$;

revoke all on function private.messenger_state from public, anon, authenticated, service_role;
comment on function private.messenger_state is 'Returns who answers in the conversation of a user with a bot';
