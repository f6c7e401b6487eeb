-- Claims the next message of the staff that is due: of one conversation for the page that queued it (p_conversation_id), else of
-- any. A file that only the page has (media.upload) is claimed with p_message_id alone.
--
-- Messages of a conversation are sent in their order: one waits behind an earlier one that is being sent or that Telegram
-- postponed. A message that is to be sent later takes the conversation over from the bot now.
--
-- Concurrency: the conversation is locked, skipped where another holds it. The message is sending for p_lease_seconds, and no
--   other sender takes it; a lease that runs out makes it unknown (expire_conversation_deliveries), never sends it again.
-- Locks: user (KEY SHARE), conversation (FOR UPDATE SKIP LOCKED), then as private.begin_human_reply.
-- Returns: jsonb
--   {
--     message_id: bigint, conversation_id: bigint, lease: uuid, bot: text, chat_id: bigint, connection: text, kind: text,
--     body: text, media: jsonb | null, buttons: jsonb | null, reply_to: bigint | null, language: text
--   } | null               (nothing is due)
-- Errors: none.
create or replace function public.claim_conversation_delivery(p_conversation_id bigint default null, p_message_id bigint default null, p_lease_seconds integer default 90)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_candidate record;
  v_conversation public.conversations;
  v_message public.conversation_messages;
begin
  for v_candidate in
    select m.id, m.conversation_id
      from public.conversation_messages as m
     where m.status = 'queued' and m.outbox_id is null and m.send_after <= v_now
       and (p_conversation_id is null or m.conversation_id = p_conversation_id)
       and (m.media ->> 'upload' is null or m.id = p_message_id)
       and not exists (
         select
           from public.conversation_messages as e
          where e.conversation_id = m.conversation_id and e.seq < m.seq and e.outbox_id is null
            and (
              e.status = 'sending' and e.lease_until > v_now or e.status = 'queued' and (e.send_after <= v_now or e.error is not null)
            )
       )
     order by m.send_after, m.id
     limit 20
  loop
    perform
      from public.users as u
     where u.id = (select c.user_id from public.conversations as c where c.id = v_candidate.conversation_id)
       for key share;
    select c.* into v_conversation
      from public.conversations as c
     where c.id = v_candidate.conversation_id
       for update skip locked;
    continue when not found;
    select m.* into v_message from public.conversation_messages as m where m.id = v_candidate.id;
    continue when v_message.status <> 'queued' or v_message.send_after > v_now or exists (
      select
        from public.conversation_messages as e
       where e.conversation_id = v_message.conversation_id and e.seq < v_message.seq and e.status = 'sending'
         and e.lease_until > v_now
    );
    if v_message.source = 'staff' and v_message.admin_id is not null and v_message.send_after > v_message.created_at
      and v_message.error is null
    then
      v_conversation := private.begin_human_reply(v_conversation, v_message.admin_id, null);
      update public.conversations as c
         set preview = private.message_preview(v_message.kind, v_message.body), last_message_at = v_now
       where c.id = v_conversation.id;
    end if;
    update public.conversation_messages as m
       set status = 'sending', error = null, lease = gen_random_uuid(), lease_until = v_now + make_interval(secs => p_lease_seconds),
           version = private.touch_conversation(m.conversation_id)
     where m.id = v_message.id
    returning m.* into v_message;
    return jsonb_build_object(
      'message_id', v_message.id, 'conversation_id', v_message.conversation_id, 'lease', v_message.lease,
      'bot', v_conversation.bot,
      'chat_id', (select u.telegram_id from public.users as u where u.id = v_conversation.user_id),
      'connection', v_conversation.connection, 'kind', v_message.kind, 'body', v_message.body, 'media', v_message.media,
      'buttons', v_message.buttons, 'reply_to', v_message.reply_to,
      'language', (select coalesce(u.language, u.language_code) from public.users as u where u.id = v_conversation.user_id)
    );
  end loop;
  return null;
end
$$;

revoke all on function public.claim_conversation_delivery from public, anon, authenticated, service_role;
grant execute on function public.claim_conversation_delivery to bot_backend;
comment on function public.claim_conversation_delivery is 'Claims the next message of the staff that is due';
