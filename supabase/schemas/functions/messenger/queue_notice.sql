-- Queues a message of the system for the user of a conversation, in the user's language.
--
-- p_notice: text by language; null: none is sent.
--
-- Concurrency: the caller holds the conversation's row.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.queue_notice(p_conversation_id bigint, p_notice jsonb, p_buttons jsonb default null)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_body text;
begin
  if coalesce(p_notice, '{}') = '{}' then
    return;
  end if;
  select coalesce(
      p_notice ->> u.language, p_notice ->> left(u.language_code, 2), p_notice ->> (private.setting('default_language')),
      (select n.value from jsonb_each_text(p_notice) as n limit 1)
    )
    into v_body
    from public.conversations as c
    join public.users as u on u.id = c.user_id
   where c.id = p_conversation_id;
  v_conversation := private.next_message_number(p_conversation_id);
  insert into public.conversation_messages (
    conversation_id, body, direction, kind, source, seq, version, buttons, read, status, send_after
  )
  values (
    p_conversation_id, v_body, 1, 'text', 'system', v_conversation.last_seq, v_conversation.last_version, p_buttons, true,
    'queued', private.clock()
  );
end
$$;

revoke all on function private.queue_notice from public, anon, authenticated, service_role;
comment on function private.queue_notice is 'Queues a message of the system for the user of a conversation';
