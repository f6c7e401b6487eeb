-- The audit log has who answered users and changed conversations; frequent words are found sooner.

-- Writes into the thread what happened to a conversation: assigned, closed, taken over. What a member of the staff did is in the
-- audit log too.
--
-- The body is a word that pages translate, with what belongs to it in media.
--
-- Concurrency: the caller holds the conversation's row.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.add_conversation_event(p_conversation_id bigint, p_actor_id bigint, p_event text, p_values jsonb default null)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  v_conversation := private.next_message_number(p_conversation_id);
  insert into public.conversation_messages (
    conversation_id, admin_id, body, direction, kind, source, seq, version, media, read
  )
  values (
    p_conversation_id, p_actor_id, p_event, 1, 'event', 'system', v_conversation.last_seq, v_conversation.last_version,
    p_values, true
  );
  if p_actor_id is not null then
    perform private.write_audit(
      private.account_name(p_actor_id), 'conversation_' || p_event, v_conversation.user_id, null, '{}',
      jsonb_build_object('conversation_id', p_conversation_id) || coalesce(p_values, '{}')
    );
  end if;
end
$$;

revoke all on function private.add_conversation_event from public, anon, authenticated, service_role;
comment on function private.add_conversation_event is 'Writes into the thread what a member of the team did';

-- Edits a message of the staff, at most 48 hours old. One that is still queued is changed at once. For one that was sent, the
-- first call says what to edit at Telegram, and the second one, with p_is_done, records it; the former text becomes a revision.
--
-- Concurrency: the conversation is locked. A caller that dies between its two calls leaves the former text here; to edit it again
--   ends in the same text at Telegram.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   outcome: 'call' | 'edited' | 'too_late'
--   call?: {               (call)
--     bot: text, chat_id: bigint, connection: text, message_id: bigint, kind: text, buttons: jsonb | null
--   }
--   message: private.conversation_message_row
-- Errors: N0009 the user's role does not allow it; I0001 no such message; I0002 the text is invalid.
create or replace function public.edit_conversation_message(p_actor_id bigint, p_message_id bigint, p_body text, p_is_done boolean default false)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_message public.conversation_messages;
  v_is_queued boolean;
begin
  v_conversation := private.lock_messenger_conversation(
    p_actor_id, (select m.conversation_id from public.conversation_messages as m where m.id = p_message_id)
  );
  select m.* into v_message from public.conversation_messages as m where m.id = p_message_id;
  if length(p_body) > (case v_message.kind when 'text' then 4096 else 1024 end) or v_message.kind = 'text' and p_body !~ '\S' then
    raise exception 'the text is invalid' using errcode = 'I0002';
  end if;
  v_is_queued := v_message.source = 'staff' and v_message.status = 'queued';
  if not v_is_queued and not (private.is_message_changeable(v_message) or p_is_done and v_message.status = 'sent') then
    return jsonb_build_object('outcome', 'too_late', 'message', private.conversation_message_row(v_message));
  elsif not v_is_queued and not p_is_done then
    return jsonb_build_object(
      'outcome', 'call',
      'call', jsonb_build_object(
        'bot', v_conversation.bot,
        'chat_id', (select u.telegram_id from public.users as u where u.id = v_conversation.user_id),
        'connection', v_conversation.connection, 'message_id', v_message.telegram_message_id, 'kind', v_message.kind,
        'buttons', v_message.buttons
      ),
      'message', private.conversation_message_row(v_message)
    );
  end if;
  if v_message.body is distinct from p_body then
    perform private.revise_message(v_message, private.touch_conversation(v_conversation.id), p_body, v_message.media);
    select m.* into v_message from public.conversation_messages as m where m.id = p_message_id;
    perform private.write_audit(
      private.account_name(p_actor_id), 'edit_message', v_conversation.user_id, null, '{}',
      jsonb_build_object('conversation_id', v_conversation.id, 'seq', v_message.seq)
    );
  end if;
  return jsonb_build_object('outcome', 'edited', 'message', private.conversation_message_row(v_message));
end
$$;

revoke all on function public.edit_conversation_message from public, anon, authenticated, service_role;
grant execute on function public.edit_conversation_message to bot_backend;
comment on function public.edit_conversation_message is 'Edits a message of the staff';

-- Finds conversations by a part of the user's name, @username, Telegram id, the number of an order, or words of a message; each
-- word matches the words that begin with it. Of many matches, 500 users and the newest 200 to 500 messages count.
--
-- Concurrency: read-only, over indexes.
-- Locks: none.
-- Returns: bigint[], the conversations.
-- Errors: none.
create or replace function private.search_conversations(p_query text)
returns bigint[]
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
set enable_seqscan = off
as $$
declare
  v_text constant text := left(p_query, 100);
  v_number constant bigint := case when btrim(v_text) ~ '^[0-9]{1,18}$' then btrim(v_text)::bigint end;
  v_name constant text := ltrim(private.name_words(v_text, null, null));
  v_users bigint[];
  v_found bigint[];
  v_messages bigint[];
  v_words text;
  v_query tsquery;
begin
  v_users := array(
    select u.id from public.users as u where lower(u.username) = lower(ltrim(btrim(v_text), '@')) limit 50
  );
  if v_number is not null then
    v_users := v_users || array(select u.id from public.users as u where u.telegram_id = v_number) || array(
      select o.user_id from public.orders as o where o.id = v_number and o.user_id is not null
    );
  end if;
  if length(v_name) > 2 then
    v_users := v_users || array(
      select u.id
        from public.users as u
       where private.name_grams(private.name_words(u.username, u.first_name, u.last_name)) @> private.name_grams(v_name)
         and strpos(private.name_words(u.username, u.first_name, u.last_name), v_name) > 0
       limit 500
    );
  elsif length(v_name) = 2 then
    v_users := v_users || array(
      select u.id
        from public.users as u
       where private.name_grams(private.name_words(u.username, u.first_name, u.last_name)) @> private.name_grams(' ' || v_name)
       limit 500
    );
  end if;
  v_found := array(select c.id from public.conversations as c where c.user_id = any (v_users));
  select string_agg(quote_literal(w.word) || ':*', ' & ') into v_words
    from regexp_split_to_table(lower(v_text), '[^[:alnum:]]+') as w (word)
   where w.word <> '';
  if length(v_text) < 3 or v_words is null then
    return v_found;
  end if;
  v_query := to_tsquery('pg_catalog.simple', v_words);
  -- How frequent the words are decides how their newest messages are found sooner: by going back in time, or over the index of
  -- words, which has to read all of its matches.
  if (
    select count(*) > 15
      from (
        select m.body from public.conversation_messages as m order by m.created_at desc limit 500
      ) as n
     where to_tsvector('pg_catalog.simple'::regconfig, n.body) @@ v_query
  ) then
    v_messages := array(
      select n.conversation_id
        from (
          -- With a limit of its own it is read in its order, whatever the planner thinks of the words.
          select m.conversation_id, m.body from public.conversation_messages as m order by m.created_at desc limit 10000
        ) as n
       where to_tsvector('pg_catalog.simple'::regconfig, n.body) @@ v_query
       limit 200
    );
  else
    v_messages := array(
      with matches as materialized (
        select m.conversation_id, m.created_at
          from public.conversation_messages as m
         where to_tsvector('pg_catalog.simple'::regconfig, m.body) @@ v_query
         limit 30000
      )
      select n.conversation_id from matches as n order by n.created_at desc limit 500
    );
  end if;
  return array(select distinct f.id from unnest(v_found || v_messages) as f (id));
end
$$;

revoke all on function private.search_conversations from public, anon, authenticated, service_role;
comment on function private.search_conversations is 'Finds conversations by names, numbers and words';

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
