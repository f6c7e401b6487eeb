-- Makes the bot or a human answer in a conversation, or neither (paused).
--
-- An answer that the AI is writing for the user is dropped where this takes the conversation from the bot: each switch to
-- human or paused counts as a takeover, which public.finish_update compares. Answers of the AI that wait in the outbox for
-- another attempt are withdrawn; one that is being sent right now arrives.
--
-- Concurrency: the caller holds the conversation's row. A switch to the same handler resets its end.
-- Locks: outbox items (FOR UPDATE SKIP LOCKED).
-- Returns: public.conversations, the changed row.
-- Errors: none.
create or replace function private.switch_handler(
  p_conversation public.conversations, p_handler text, p_until timestamptz
)
returns public.conversations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_is_takeover constant boolean := p_handler <> 'bot' and p_conversation.handler = 'bot';
  v_withdrawn bigint[] := '{}'::bigint[];
begin
  if v_is_takeover then
    with late as (
      select o.id
        from public.conversation_messages as m
        join public.telegram_outbox as o on o.id = m.outbox_id
       where m.conversation_id = p_conversation.id and m.outbox_id is not null and m.source = 'ai' and o.attempts > 0
         for update of o skip locked
    ), deleted as (
      delete from public.telegram_outbox as o using late where o.id = late.id returning o.id
    )
    select coalesce(array_agg(d.id), '{}') into v_withdrawn from deleted as d;
    update public.conversation_messages as m
       set status = 'canceled', outbox_id = null, version = p_conversation.last_version + 1
     where m.outbox_id = any (v_withdrawn);
  end if;
  update public.conversations as c
     set handler = p_handler,
         handler_until = p_until,
         takeovers = c.takeovers + v_is_takeover::integer,
         ai_processing_until = case when p_handler = 'bot' then c.ai_processing_until end,
         last_version = c.last_version + (cardinality(v_withdrawn) > 0)::integer,
         changed_xid = pg_current_xact_id()
   where c.id = p_conversation.id
  returning c.* into v_conversation;
  return v_conversation;
end
$$;

revoke all on function private.switch_handler from public, anon, authenticated, service_role;
comment on function private.switch_handler is 'Makes the bot or a human answer in a conversation, or neither';
