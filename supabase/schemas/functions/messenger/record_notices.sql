-- Writes into conversations what SQL functions sent to users by templates: of payments, courses, reminders and the like.
--
-- p_results: those of public.record_deliveries. notice {kind, body, buttons, is_edit}: the message as Telegram has it; with is_edit it
-- replaces the text of a message that the conversation has. A notice opens no conversation and moves none in the list. Admins get alarms
-- about other users, which operators may not see: their conversations show no notices.
--
-- Concurrency: the caller deletes the outbox items in the same transaction, so a repeated call writes nothing.
-- Locks: conversations, by id.
-- Returns: void
-- Errors: none.
create or replace function private.record_notices(p_results jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_sent record;
  v_conversation public.conversations;
begin
  if not p_results @? '$[*].notice' then
    return;
  end if;
  for v_sent in
    select c.id, (r.value ->> 'message_id')::bigint as message_id, r.value -> 'notice' as notice
      from jsonb_array_elements(p_results) with ordinality as r (value, place)
      join public.telegram_outbox as o on o.id = (r.value ->> 'id')::bigint
      join public.users as u on u.telegram_id = o.chat_id
      join public.conversations as c on c.user_id = u.id and c.bot = o.bot and c.connection = ''
     where r.value ? 'notice' and not u.is_admin
     order by c.id, r.place
  loop
    if v_sent.notice ? 'is_edit' then
      v_conversation.last_version := private.touch_conversation(v_sent.id);
      update public.conversation_messages as m
         set body = v_sent.notice ->> 'body',
             buttons = v_sent.notice -> 'buttons',
             edited_at = private.clock(),
             version = v_conversation.last_version
       where m.conversation_id = v_sent.id and m.telegram_message_id = v_sent.message_id;
      continue when found;
    end if;
    v_conversation := private.next_message_number(v_sent.id);
    insert into public.conversation_messages (
      conversation_id, body, direction, kind, source, seq, version, telegram_message_id, buttons, read, status
    )
    values (
      v_sent.id, v_sent.notice ->> 'body', 1, v_sent.notice ->> 'kind', 'system', v_conversation.last_seq,
      v_conversation.last_version, v_sent.message_id, v_sent.notice -> 'buttons', true, 'sent'
    )
    on conflict (conversation_id, telegram_message_id) where telegram_message_id is not null do nothing;
  end loop;
end
$$;

revoke all on function private.record_notices from public, anon, authenticated, service_role;
comment on function private.record_notices is 'Writes into conversations what SQL functions sent to users';
