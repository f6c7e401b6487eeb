-- Queues a message of a member of the staff for the user of a conversation. A human's first message takes the conversation over
-- from the bot (private.switch_handler), and the user is sent p_notice once, in front of it.
--
-- p_seen_seq: the number of the newest message that the sender has seen. Where the user, the bot or another member has written
-- since, nothing is sent, and those messages come back. p_reference: idempotency key; a repeated call gets the message that the
-- first one queued. p_send_after: when to send it; null: now. p_reply_to: number of the message that it replies to.
-- p_buttons: rows of {text, url}. p_kind and p_media: a file, {file_id} of the same bot, or {upload: true, name, mime, size}
-- that only the caller can send, see claim_conversation_delivery; p_body is its caption then. p_notice: text by language.
--
-- Concurrency: the conversation is locked, so of two members who answer at once the second gets a conflict.
-- Locks: as private.lock_messenger_conversation, then as private.switch_handler.
-- Returns: jsonb
--   outcome: 'sent_to_queue' | 'conflict'
--   message?: private.conversation_message_row           (sent_to_queue)
--   messages?: [ private.conversation_message_row ]      (conflict: what came since, oldest first, at most 50)
--   conversation: private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation; I0002 the text, the file, the buttons or the
--   reference is invalid.
create or replace function public.send_conversation_message(p_actor_id bigint,
  p_conversation_id bigint,
  p_body text,
  p_seen_seq bigint,
  p_reference text,
  p_send_after timestamptz default null,
  p_reply_to bigint default null,
  p_buttons jsonb default null,
  p_kind text default 'text',
  p_media jsonb default null,
  p_notice jsonb default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_conversation public.conversations;
  v_message public.conversation_messages;
  v_newer jsonb := '[]'::jsonb;
  v_is_now boolean;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  select m.* into v_message from public.conversation_messages as m where m.reference = p_reference;
  if found then
    if v_message.conversation_id <> p_conversation_id or v_message.admin_id is distinct from p_actor_id then
      raise exception 'the reference was used with another message' using errcode = 'I0002';
    end if;
    return jsonb_build_object(
      'outcome', 'sent_to_queue', 'message', private.conversation_message_row(v_message),
      'conversation', private.conversation_row(v_conversation, p_actor_id)
    );
  end if;
  if coalesce(p_reference, '') = '' or length(p_body) > (case p_kind when 'text' then 4096 else 1024 end)
    or p_kind not in ('text', 'photo', 'video', 'voice', 'audio', 'document', 'animation')
    or (p_kind = 'text') <> (p_media is null) or p_kind = 'text' and p_body !~ '\S'
    or p_kind <> 'text' and not coalesce(p_media ?| array['file_id', 'upload'], false)
    or coalesce(jsonb_typeof(p_buttons), 'array') <> 'array'
  then
    raise exception 'the message is invalid' using errcode = 'I0002';
  end if;
  select coalesce(jsonb_agg(private.conversation_message_row(n) order by n.seq), '[]'::jsonb) into v_newer
    from (
      select m.*
        from public.conversation_messages as m
       where m.conversation_id = p_conversation_id and m.seq > p_seen_seq and m.kind not in ('event', 'note')
         and m.source <> 'system' and m.admin_id is distinct from p_actor_id
       order by m.seq
       limit 50
    ) as n;
  if v_newer <> '[]' then
    return jsonb_build_object(
      'outcome', 'conflict', 'messages', v_newer, 'conversation', private.conversation_row(v_conversation, p_actor_id)
    );
  end if;
  v_is_now := coalesce(p_send_after <= v_now, true);
  if v_is_now then
    v_conversation := private.begin_human_reply(v_conversation, p_actor_id, p_notice);
  end if;
  v_conversation := private.next_message_number(p_conversation_id);
  insert into public.conversation_messages (
    conversation_id, admin_id, body, direction, kind, source, seq, version, reply_to, media, buttons, read, status, reference,
    send_after, created_at
  )
  values (
    p_conversation_id, p_actor_id, coalesce(p_body, ''), 1, p_kind, 'staff', v_conversation.last_seq,
    v_conversation.last_version,
    (
      select k.telegram_message_id
        from public.conversation_messages as k
       where k.conversation_id = p_conversation_id and k.seq = p_reply_to
    ),
    p_media, p_buttons, true, 'queued', p_reference, case when v_is_now then v_now else p_send_after end, v_now
  )
  returning * into v_message;
  update public.conversations as c
     set preview = case when v_is_now then private.message_preview(p_kind, p_body) else c.preview end,
         last_message_at = case when v_is_now then v_now else c.last_message_at end
   where c.id = p_conversation_id;
  perform private.mark_read_until(v_conversation, p_actor_id, p_seen_seq);
  perform private.write_audit(
    private.account_name(p_actor_id), 'send_message', v_conversation.user_id, null, '{}',
    jsonb_build_object('conversation_id', p_conversation_id, 'seq', v_message.seq)
  );
  delete from public.conversation_drafts as d where d.conversation_id = p_conversation_id and d.operator_id = p_actor_id;
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation_id;
  return jsonb_build_object(
    'outcome', 'sent_to_queue', 'message', private.conversation_message_row(v_message),
    'conversation', private.conversation_row(v_conversation, p_actor_id)
  );
end
$$;

revoke all on function public.send_conversation_message from public, anon, authenticated, service_role;
grant execute on function public.send_conversation_message to bot_backend;
comment on function public.send_conversation_message is 'Queues a message of a member of the staff for the user of a conversation';
