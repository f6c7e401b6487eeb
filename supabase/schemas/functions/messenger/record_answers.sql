-- Writes what a bot answered into the conversation.
--
-- p_messages [{kind, body, source, buttons, media, message_id, call}]: call is the place of its Bot API call in p_outgoing,
-- the ids of outbox items, which deliver it; without it, the message was sent before the commit (message_id) or travels in
-- the HTTP response. With edits, the call changes the message message_id, which is rewritten only where the conversation
-- does not have it. The user waits no longer where the bot handles the conversation. p_lease_until: the end of the update's lease;
-- an answer that may be written longer is that to a newer question, and is still shown as being written.
--
-- Concurrency: the caller holds the conversation's row (p_conversation) and the update's, and calls once.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.record_answers(
  p_conversation public.conversations, p_messages jsonb, p_outgoing jsonb, p_lease_until timestamptz
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_seq bigint := p_conversation.last_seq;
  v_version bigint := p_conversation.last_version;
  v_preview text := p_conversation.preview;
  v_message jsonb;
  v_outbox_id bigint;
begin
  for v_message in select m.value from jsonb_array_elements(p_messages) with ordinality as m (value, place) order by m.place loop
    v_version := v_version + 1;
    v_outbox_id := (p_outgoing ->> (v_message ->> 'call')::integer)::bigint;
    if v_message ? 'edits' then
      update public.conversation_messages as m
         set body = v_message ->> 'body', buttons = v_message -> 'buttons', edited_at = v_now, version = v_version
       where m.conversation_id = p_conversation.id and m.telegram_message_id = (v_message ->> 'message_id')::bigint;
      continue when found;
    end if;
    v_seq := v_seq + 1;
    insert into public.conversation_messages (
      conversation_id, body, direction, kind, source, seq, version, telegram_message_id, media, buttons, read, status,
      outbox_id, created_at
    )
    values (
      p_conversation.id, v_message ->> 'body', 1, v_message ->> 'kind', v_message ->> 'source', v_seq, v_version,
      (v_message ->> 'message_id')::bigint, v_message -> 'media', v_message -> 'buttons', true,
      case when v_outbox_id is null then 'sent' else 'queued' end, v_outbox_id, v_now
    )
    on conflict (conversation_id, telegram_message_id) where telegram_message_id is not null do nothing;
    v_preview := private.message_preview(v_message ->> 'kind', v_message ->> 'body');
  end loop;
  update public.conversations as c
     set last_seq = v_seq,
         last_version = v_version,
         last_message_at = case when v_seq > c.last_seq then v_now else c.last_message_at end,
         preview = v_preview,
         waiting_since = case when c.handler <> 'bot' then c.waiting_since end,
         ai_processing_until = case when c.ai_processing_until > p_lease_until then c.ai_processing_until end,
         changed_xid = pg_current_xact_id()
   where c.id = p_conversation.id;
end
$$;

revoke all on function private.record_answers from public, anon, authenticated, service_role;
comment on function private.record_answers is 'Writes what a bot answered into the conversation';
