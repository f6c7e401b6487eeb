-- Messenger notices.

-- squawk-ignore ban-drop-function
drop function private.messenger_state(p_user_id bigint, p_bot text);

-- squawk-ignore ban-drop-function
drop function private.record_answers(p_conversation public.conversations, p_messages jsonb, p_outgoing jsonb);

-- squawk-ignore ban-drop-function
drop function private.record_incoming_message(p_user_id bigint, p_bot text, p_message jsonb, p_connection text);

-- Writes a note into a conversation that only the staff sees. It is never sent, and no AI reads it. The audit log has who wrote one,
-- without its text.
--
-- Concurrency: the conversation is locked; a repeated call with p_reference writes no second note.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_message_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation; I0002 the note is empty or too long.
create or replace function public.add_conversation_note(p_actor_id bigint, p_conversation_id bigint, p_body text, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_message public.conversation_messages;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  select m.* into v_message from public.conversation_messages as m where m.reference = p_reference;
  if found then
    return private.conversation_message_row(v_message);
  elsif p_body !~ '\S' or length(p_body) > 4096 or coalesce(p_reference, '') = '' then
    raise exception 'the note is invalid' using errcode = 'I0002';
  end if;
  v_conversation := private.next_message_number(p_conversation_id);
  insert into public.conversation_messages (
    conversation_id, admin_id, body, direction, kind, source, seq, version, read, reference
  )
  values (
    p_conversation_id, p_actor_id, p_body, 1, 'note', 'staff', v_conversation.last_seq, v_conversation.last_version, true,
    p_reference
  )
  returning * into v_message;
  perform private.write_audit(
    private.account_name(p_actor_id), 'add_note', v_conversation.user_id, null, '{}',
    jsonb_build_object('conversation_id', p_conversation_id, 'message_id', v_message.id)
  );
  return private.conversation_message_row(v_message);
end
$$;

revoke all on function public.add_conversation_note from public, anon, authenticated, service_role;
grant execute on function public.add_conversation_note to bot_backend;
comment on function public.add_conversation_note is 'Writes a note into a conversation that only the staff sees';

-- Returns what changed in conversations since a page asked last, for a member of the staff; of one open conversation the new and
-- changed messages too.
--
-- p_after: the cursor of the answer before. p_conversation_id, p_version: the open conversation, and the last_version up to which
-- the page has its messages.
--
-- Concurrency: exact in any order of commits: a change carries the id of its transaction, and the cursor is the oldest
--   transaction that was still running. A conversation may come twice, unchanged; messages of the open one come once, because
--   versions follow the order of the commits. Rows of a restored database carry ids of the future and are left out until
--   they change.
-- Locks: none.
-- Returns: jsonb
--   cursor: text
--   conversations: [ private.conversation_row ]          (at most 200, the newest)
--   messages: [ private.conversation_message_row ]       (of the open conversation, by version; at most 200)
--   viewers: private.conversation_viewers | null
--   viewing: [ { conversation_id: bigint, name: text } ]     (other members who have a conversation open right now; at most 200)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.conversation_changes(p_actor_id bigint, p_after text, p_conversation_id bigint default null, p_version bigint default null)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_snapshot constant pg_snapshot := pg_current_snapshot();
begin
  perform private.require_staff(p_actor_id, 'operator');
  return jsonb_build_object(
    'cursor', pg_snapshot_xmin(v_snapshot)::text,
    'conversations', (
      select coalesce(jsonb_agg(private.conversation_row(f.c, p_actor_id) order by (f.c).last_message_at desc), '[]'::jsonb)
        from (
          select c
            from public.conversations as c
           where c.changed_xid >= p_after::xid8 and c.changed_xid < pg_snapshot_xmax(v_snapshot)
           order by c.last_message_at desc
           limit 200
        ) as f
    ),
    'messages', (
      select coalesce(jsonb_agg(private.conversation_message_row(f.m) order by (f.m).version), '[]'::jsonb)
        from (
          select m
            from public.conversation_messages as m
           where m.conversation_id = p_conversation_id and m.version > p_version
           order by m.version
           limit 200
        ) as f
    ),
    'viewers', case when p_conversation_id is not null then private.conversation_viewers(p_conversation_id, p_actor_id) end,
    'viewing', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('conversation_id', f.conversation_id, 'name', concat_ws(' ', nullif(u.first_name, ''), u.last_name))
            order by f.conversation_id, u.id
          ),
          '[]'::jsonb
        )
        from (
          select p.conversation_id, p.operator_id
            from public.conversation_presence as p
           where p.seen_until > private.clock() and p.operator_id <> p_actor_id
           order by p.seen_until desc
           limit 200
        ) as f
        join public.users as u on u.id = f.operator_id
    )
  );
end
$$;

revoke all on function public.conversation_changes from public, anon, authenticated, service_role;
grant execute on function public.conversation_changes to bot_backend;
comment on function public.conversation_changes is 'Returns what changed in conversations since a page asked last';

-- Returns a conversation as the list shows it to a member of the staff.
--
-- is_unread: for this member: newer messages of the user than they have read, or marked by them.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   bot: text
--   is_business: boolean   (a chat with the owner's own account)
--   user: {
--     id: bigint, telegram_id: bigint, name: text, username: text | null, language: text
--   }
--   preview: text          (of the newest message; its kind in brackets where it has no text)
--   last_message_at: timestamptz
--   last_seq: bigint
--   last_version: bigint
--   unread_count: int      (messages that no member has read)
--   is_unread: boolean
--   waiting_since: timestamptz | null
--   assignee: { id: bigint, name: text } | null
--   handler: 'bot' | 'human' | 'paused'
--   handler_until: timestamptz | null
--   answering_until: timestamptz | null    (an answer of the AI is being written, at the longest until then)
--   status: 'open' | 'closed'
--   snoozed_until: timestamptz | null
--   unreachable: 'blocked' | 'deactivated' | null
--   rating: int | null
--   ai_real_name: text | null
--   ai_background: text | null
--   ai_query: text | null
--   ai_ready_score: int | null
--   labels: [ { id: bigint, name: text, color: text } ]
--   has_draft: boolean     (this member has begun a reply)
-- Errors: none.
create or replace function private.conversation_row(p_conversation public.conversations, p_actor_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', p_conversation.id,
      'bot', p_conversation.bot,
      'is_business', p_conversation.connection <> '',
      'user', jsonb_build_object(
        'id', u.id, 'telegram_id', u.telegram_id, 'name', concat_ws(' ', nullif(u.first_name, ''), u.last_name),
        'username', u.username, 'language', coalesce(u.language, u.language_code)
      ),
      'preview', p_conversation.preview,
      'last_message_at', p_conversation.last_message_at,
      'last_seq', p_conversation.last_seq,
      'last_version', p_conversation.last_version,
      'unread_count', p_conversation.unread_count,
      'is_unread', p_conversation.last_in_seq > coalesce(r.read_seq, 0) or coalesce(r.is_marked_unread, false),
      'waiting_since', p_conversation.waiting_since,
      'assignee', (
        select jsonb_build_object('id', a.id, 'name', concat_ws(' ', nullif(a.first_name, ''), a.last_name))
          from public.users as a
         where a.id = p_conversation.assignee_id
      ),
      'handler', p_conversation.handler,
      'handler_until', p_conversation.handler_until,
      'answering_until', case when p_conversation.ai_processing_until > private.clock() then p_conversation.ai_processing_until end,
      'status', p_conversation.status,
      'snoozed_until', p_conversation.snoozed_until,
      'unreachable', p_conversation.unreachable,
      'rating', p_conversation.rating,
      'ai_real_name', p_conversation.ai_real_name,
      'ai_background', p_conversation.ai_background,
      'ai_query', p_conversation.ai_query,
      'ai_ready_score', p_conversation.ai_ready_score,
      'labels', (
        select coalesce(jsonb_agg(jsonb_build_object('id', l.id, 'name', l.name, 'color', l.color) order by lower(l.name)), '[]'::jsonb)
          from public.conversation_labels as k
          join public.messenger_labels as l on l.id = k.label_id
         where k.conversation_id = p_conversation.id
      ),
      'has_draft', exists (
        select
          from public.conversation_drafts as d
         where d.conversation_id = p_conversation.id and d.operator_id = p_actor_id
      )
    )
    from public.users as u
    left join public.conversation_reads as r on r.conversation_id = p_conversation.id and r.operator_id = p_actor_id
   where u.id = p_conversation.user_id;
$$;

revoke all on function private.conversation_row from public, anon, authenticated, service_role;
comment on function private.conversation_row is 'Returns a conversation as the list shows it';

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

-- Writes a message of a user into their conversation with a bot. It reopens a conversation that is closed or snoozed, and a
-- handler whose time is over is the bot again.
--
-- p_message {kind, body, message_id, media, reply_to, date}, with is_edit: an earlier message has this text now; its
-- former one becomes a revision. A kind event (a tap on a button) is shown, and counts as no message to answer.
-- p_answers_until: the AI is asked, and this is how long its answer may take (conversations.ai_processing_until).
--
-- Concurrency: the conversation is locked, so numbers follow the order of the commits. A message that the conversation
--   has already is not written again.
-- Locks: as private.open_messenger_conversation.
-- Returns: jsonb, {conversation_id, handler, takeovers, is_returned (the bot answers again since this message)}.
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.record_incoming_message(
  p_user_id bigint, p_bot text, p_message jsonb, p_connection text default '', p_answers_until timestamptz default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_is_event constant boolean := p_message ->> 'kind' = 'event';
  v_body constant text := coalesce(p_message ->> 'body', '');
  v_conversation public.conversations;
  v_message public.conversation_messages;
  v_is_returned boolean;
begin
  v_conversation := private.open_messenger_conversation(p_user_id, p_bot, p_connection);
  v_is_returned := coalesce(v_conversation.handler <> 'bot' and v_conversation.handler_until <= v_now, false);
  if v_is_returned then
    v_conversation := private.switch_handler(v_conversation, 'bot', null);
  end if;
  select m.* into v_message
    from public.conversation_messages as m
   where m.conversation_id = v_conversation.id and m.telegram_message_id = (p_message ->> 'message_id')::bigint;
  if v_message.id is null then
    insert into public.conversation_messages (
      conversation_id, user_id, body, direction, kind, source, seq, version, telegram_message_id, reply_to, media, read,
      edited_at, created_at
    )
    values (
      v_conversation.id, p_user_id, v_body, 0, p_message ->> 'kind', 'user', v_conversation.last_seq + 1,
      v_conversation.last_version + 1, (p_message ->> 'message_id')::bigint, (p_message ->> 'reply_to')::bigint,
      nullif(p_message -> 'media', 'null'), v_is_event, case when p_message ? 'is_edit' then v_now end, v_now
    );
    update public.conversations as c
       set last_seq = c.last_seq + 1,
           last_in_seq = case when v_is_event then c.last_in_seq else c.last_seq + 1 end,
           last_version = c.last_version + 1,
           last_message_at = v_now,
           preview = case when v_is_event then c.preview else private.message_preview(p_message ->> 'kind', v_body) end,
           unread_count = c.unread_count + (not v_is_event)::integer,
           waiting_since = case when v_is_event then c.waiting_since else coalesce(c.waiting_since, v_now) end,
           status = case when v_is_event then c.status else 'open' end,
           snoozed_until = case when v_is_event then c.snoozed_until end,
           closed_at = case when v_is_event then c.closed_at end,
           unreachable = null,
           ai_processing_until = case when c.handler = 'bot' then coalesce(p_answers_until, c.ai_processing_until) end,
           changed_xid = pg_current_xact_id()
     where c.id = v_conversation.id;
  elsif p_message ? 'is_edit' and v_message.direction = 0
    and (v_message.body, v_message.media) is distinct from (v_body, nullif(p_message -> 'media', 'null'))
  then
    perform private.revise_message(v_message, v_conversation.last_version + 1, v_body, nullif(p_message -> 'media', 'null'));
    update public.conversations as c
       set last_version = c.last_version + 1,
           ai_processing_until = case when c.handler = 'bot' then coalesce(p_answers_until, c.ai_processing_until) end,
           changed_xid = pg_current_xact_id()
     where c.id = v_conversation.id;
  end if;
  return jsonb_build_object(
    'conversation_id', v_conversation.id, 'handler', v_conversation.handler, 'takeovers', v_conversation.takeovers,
    'is_returned', v_is_returned
  );
end
$$;

revoke all on function private.record_incoming_message from public, anon, authenticated, service_role;
comment on function private.record_incoming_message is 'Writes a message of a user into their conversation';

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

-- Commits everything the handler of an update changed, together with its answer: the second and last database call of
-- an update.
--
-- p_session: changes of the session and the user (private.change_session), and
--   hold (seconds): keep the update open; the next message finishes it, or the sweep processes it after that time
--   finish_held: update_id of a held update that this one answers too
--   extra_requests: what a served request costs beyond one request (private.charge_extra_requests)
--   ban_notified: the answer tells the user about the ban; of two such updates only the first one's answer is kept
--   conversation_id: the conversation that the messages belong to; without it, the main one of the session. If it was
--     deleted meanwhile, the messages are not stored
--   conversation_name: its name, if it has none yet
--   messenger {conversation_id, takeovers, messages, can_drop}: what the conversation of the messenger shows of the answer
--     (private.record_answers). With can_drop, the answer is dropped where a human took over since the update was received:
--     nothing is sent, remembered or shown, and the request is settled only if a provider charged for it
--   handler_wish: human or bot: the user wants a human of the team, or the bot again, to answer (private.request_human)
--   erase {hash, balance}: erase the user (private.erase_user)
-- p_messages [{role, content, message_id}]: the conversation to store; it replaces rows of an edited message_id in the
-- same conversation. With replace_turn in p_session, the update_id of an answer, its one message takes the place of that
-- answer, which may have left the history meanwhile.
-- p_reservation: settled when a reserved request was served. Otherwise the request is released, unless a provider
-- call was billed, or a provider was called and the releases of the day (setting daily_releases) are used up.
-- p_outgoing: Bot API calls to enqueue. p_usage: the calls to AI providers (private.record_usage).
--
-- Concurrency: the row is locked and its attempt compared: a worker that lost its lease changes nothing, and a
--   repeated call after a lost response changes nothing and gets the same answer. Only the worker that finishes
--   records p_usage, so each call counts once. Session data are merged key by key and never written back whole, so a
--   button and a message at once lose nothing. For a user who was erased meanwhile nothing is written.
-- Locks: update row, user (KEY SHARE; FOR UPDATE for an erasure), with messenger the conversation, for a first request
--   referrer and user by id, request counters, the held update (FOR UPDATE SKIP LOCKED), session, conversation and messages,
--   counters of AI calls.
-- Returns: jsonb
--   outcome: 'finished' | 'superseded'
--   outgoing?: [ bigint ]  (finished: the ids of p_outgoing, in order)
--   follow_up?: outgoing   (finished: the messages of private.on_first_request, to deliver now)
--   withheld?: boolean     (finished: p_answer must not be sent: the user got it already, or a human answers now)
-- Errors: Y0001 and Y0002, see private.erase_user; K0001 and K0002, see private.change_token.
create or replace function public.finish_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_session jsonb default '{}',
  p_messages jsonb default '[]',
  p_reservation text default null,
  p_answer jsonb default null,
  p_outgoing jsonb default '[]',
  p_usage jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_update public.telegram_updates;
  v_answer jsonb := p_answer;
  v_hold interval := make_interval(secs => (p_session ->> 'hold')::double precision);
  v_outgoing jsonb := '[]'::jsonb;
  v_follow_up jsonb := '[]'::jsonb;
  v_conversation bigint := 0;
  v_messenger public.conversations;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if not found or v_update.attempt <> p_attempt or v_update.status not in ('working', 'finished') then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_update.status = 'finished' then
    select coalesce(jsonb_agg(o.id order by o.id), '[]'::jsonb) into v_outgoing
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id;
    return jsonb_build_object(
      'outcome', 'finished', 'outgoing', v_outgoing,
      'withheld', p_answer is not null and v_update.answer is null
    );
  elsif not private.lock_user(v_update, p_session ? 'erase') then
    return jsonb_build_object('outcome', 'superseded');
  end if;

  if p_session ? 'messenger' then
    select c.* into v_messenger
      from public.conversations as c
     where c.id = (p_session -> 'messenger' ->> 'conversation_id')::bigint and c.user_id = v_update.user_id
       for no key update;
    if (p_session -> 'messenger' ->> 'can_drop')::boolean
      and v_messenger.takeovers <> (p_session -> 'messenger' ->> 'takeovers')::integer
    then
      v_answer := null;
      p_outgoing := '[]';
      p_messages := '[]';
      p_reservation := null;
      p_session := p_session - array['replace_turn', 'messenger'];
    end if;
  end if;
  if v_update.reservation = 'reserved' and p_reservation is distinct from 'settled' then
    p_reservation := case
      when private.has_billed_call(p_usage) then 'settled'
      when private.release_usage(
        v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from, p_usage <> '[]'
      ) then 'released'
      else 'settled'
    end;
  elsif p_reservation = 'settled' then
    v_follow_up := private.on_first_request(v_update.user_id, p_bot, p_update_id);
    if p_session ? 'extra_requests' and v_update.reservation = 'reserved' then
      perform private.charge_extra_requests(v_update, (p_session ->> 'extra_requests')::integer);
    end if;
  end if;
  if p_session ? 'ban_notified' and not private.mark_ban_notified(v_update.user_id) then
    v_answer := null;
    p_outgoing := '[]';
  end if;
  if p_session ? 'finish_held' then
    update public.telegram_updates as t
       set status = 'finished', payload = null, error = null, lease_until = null
      from (
        select h.bot, h.update_id
          from public.telegram_updates as h
         where h.bot = p_bot and h.update_id = (p_session ->> 'finish_held')::bigint
           and h.user_id = v_update.user_id and h.status = 'failed'
           for update skip locked
      ) as held
     where t.bot = held.bot and t.update_id = held.update_id;
  end if;
  perform private.change_session(v_update, p_session, p_reservation, v_now);
  if p_session ? 'replace_turn' then
    update public.messages as m
       set content = case m.role when 'assistant' then p_messages -> 0 ->> 'content' else m.content end,
           update_id = p_update_id,
           claimed_by = null
     where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
       and m.thread_id = v_update.thread_id and m.update_id = (p_session ->> 'replace_turn')::bigint;
    p_messages := '[]';
  end if;
  if p_messages <> '[]' and p_session ? 'conversation_id' then
    v_conversation := private.use_conversation(
      v_update, (p_session ->> 'conversation_id')::bigint, p_session ->> 'conversation_name', v_now
    );
  end if;
  if p_messages <> '[]' and v_conversation is not null then
    if v_update.kind = 'edited_message' then
      delete from public.messages as m
       where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
         and m.thread_id = v_update.thread_id and m.conversation_id = v_conversation
         and m.message_id = (p_messages -> 0 ->> 'message_id')::bigint;
    end if;
    insert into public.messages (
      user_id, bot, chat_id, thread_id, conversation_id, role, content, message_id, created_at, update_id
    )
    select v_update.user_id, p_bot, v_update.chat_id, v_update.thread_id, v_conversation, m.value ->> 'role',
      m.value ->> 'content', (m.value ->> 'message_id')::bigint, v_now, p_update_id
      from jsonb_array_elements(p_messages) with ordinality as m (value, position)
     order by m.position;
  end if;
  perform private.record_usage(
    v_update, p_usage, p_reservation is not distinct from 'settled' and v_update.reservation = 'reserved'
  );
  if p_outgoing <> '[]' then
    v_outgoing := private.enqueue_calls(p_bot, p_update_id, p_outgoing);
  end if;
  if p_session ? 'messenger' and v_messenger.id is not null then
    if p_session ? 'handler_wish' then
      v_messenger := private.request_human(v_messenger, p_session ->> 'handler_wish');
    end if;
    perform private.record_answers(v_messenger, p_session -> 'messenger' -> 'messages', v_outgoing, v_update.lease_until);
  end if;
  update public.telegram_updates as t
     set status = case when v_hold is null then 'finished' else 'failed' end,
         payload = case when v_hold is not null then t.payload end,
         error = null,
         lease_until = v_now + v_hold - interval '1 minute',  -- the sweep waits a minute longer
         reservation = coalesce(p_reservation, v_update.reservation),
         answer = case when v_hold is null then v_answer end
   where t.bot = p_bot and t.update_id = p_update_id;
  if p_session ? 'erase' then
    perform private.erase_user(v_update, p_session -> 'erase');
  end if;
  return jsonb_build_object(
    'outcome', 'finished', 'outgoing', v_outgoing, 'follow_up', v_follow_up,
    'withheld', p_answer is not null and v_answer is null
  );
end
$$;

revoke all on function public.finish_update from public, anon, authenticated, service_role;
grant execute on function public.finish_update to bot_backend;
comment on function public.finish_update is 'Commits what the handler of an update changed, and its answer';

-- Stores an update, drops duplicates, takes the lease and loads everything a handler needs: the first database call
-- of an update.
--
-- While a session awaits an API key (session_data.awaiting is "key:<provider>"), the text of a message is never
-- stored, because a key may have any format. A worker that takes over finds [hidden] in its place and asks for the
-- key again.
-- p_telegram_user: Telegram's User, and in hash the key of its tombstone in erased_users. p_thread: the topic of a
-- chat that has topics, with its own session and conversation; 0 elsewhere. p_reserve: reserve an AI request, whose
-- cost is p_cost US dollars at most. p_history and p_history_characters limit the conversation that is loaded; the
-- plan may limit it further. p_answer_tokens: the longest answer, for the cost of a conversation with a model of its own.
-- p_message: what the conversation of the messenger shows of the update (private.record_incoming_message); null where the bot
-- has no messenger. While a human answers, no AI request is reserved. Where one is, the conversation shows until the lease ends
-- that an answer is being written.
-- The result is json and not jsonb: private.recent_messages builds the history as text.
--
-- Concurrency: deliveries of one update are serialized by private.claim_update. A worker that takes over from a
--   crashed one finds its request still reserved and reserves no second one; the quota day stays that of the first
--   attempt. An update that was received before its user was erased is over and does not create the user again.
--   The commit of a new update does not wait for the disk, because the next commit that waits (finish_update, or a change
--   of the handler before it) makes both durable. If the server crashes before that, nothing was answered yet:
--   finish_update finds no row and answers superseded, and Telegram delivers the update again.
--   If that delivery begins while the first worker still works, both have attempt 1: the changes of the first to finish
--   are committed, once, and both send their answer.
-- Locks: a known update row (FOR UPDATE), user (KEY SHARE; NO KEY UPDATE where its row changes), session, the row of a
--   new update, with p_message the conversation, then as private.claim_held_part and private.reserve_usage. As everywhere,
--   a known update row comes before its user.
-- Returns: json
--   outcome: 'work' | 'busy' | 'crash_limit' | 'finished'
--   attempt?: int          (work, crash_limit)
--   failures?: int         (work, crash_limit)
--   user?: {               (work; crash_limit: the two languages alone)
--     language: text | null, language_code: text,
--     id?: bigint, telegram_id?: bigint, is_new?: boolean, vip_level?: int, balance?: numeric, currency?: text,
--     level?: int, total_xp?: bigint,
--     price_currency?: text | null, created_at?: timestamptz, is_admin?: boolean, admin_email?: text | null,
--     memory_enabled?: boolean | null,
--     ban?: { reason: text | null, notified: boolean } | null,
--     gate?: 'maintenance' | 'invite' | 'closed' | null     (why the bots do not serve the user now)
--   }
--   session?: { mode: text, data: jsonb }     (work, as all that follows)
--   usage?: {
--     plan: text, features: [ text ], requests: int, daily_requests: int | null, resets_at: timestamptz,
--     month_requests: int, monthly_requests: int | null, month_resets_at: timestamptz, bonus_credits: int, timezone: text
--   }
--   reservation?: 'reserved' | 'user_api_key' | 'settled' | 'released' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost'
--     | 'user_month' | 'bot_month' | null
--                          (null: not asked for, a question of ours awaits its answer, or the user is banned)
--   releases_left?: int | null
--   user_api_key?: private.active_token | null     (the user's own API key, where p_reserve asks for the AI and nothing is
--                          reserved yet)
--   history?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first; at most p_history and what the plan allows,
--                          at most p_history_characters together)
--   conversation?: private.load_conversation | null    (work; null: the main one, without settings)
--   memory?: [ text ] | null                  (facts that the user lets the bot keep; only in the private chat)
--   edited_question?: text | null             (what the AI was asked before the user edited this message; history leaves it
--                          and its answer out)
--   articles?: private.find_articles | null      (that fit the question; null: the bot has no published ones, or no AI is asked)
--   messenger?: {
--     conversation_id: bigint, handler: 'bot' | 'human' | 'paused', takeovers: int, is_returned: boolean
--   } | null               (null: the bot has no messenger; is_returned: the bot answers again since this message)
--   required_channel?: text | null     (that a free user must have joined; nothing is reserved before the bot has checked it)
--   is_old_edit?: boolean  (the user asked another question after the edited one, or it belongs to another conversation)
--   retry_after?: int      (busy: seconds)
--   answer?: jsonb         (finished: the stored answer; null once it is known to have arrived)
--   outgoing?: [ outbox_item ]   (finished: still to be delivered)
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_telegram_user jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0,
  p_thread bigint default 0,
  p_history_characters integer default null,
  p_cost numeric default 0,
  p_answer_tokens integer default null,
  p_message jsonb default null
)
returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_known public.telegram_updates;
  v_claim record;
  v_user public.users;
  v_banned boolean;
  v_gate text;
  v_maintenance text;
  v_session public.bot_sessions;
  v_conversation jsonb;
  v_quota record;
  v_reserved record;
  v_user_api_key jsonb;
  v_edited bigint;
  v_edited_question text;
  v_is_old_edit boolean := false;
  v_is_counted boolean;
  v_releases_left integer;
  v_timezone text;
  v_currency text;
  v_expected text;
  v_expected_day date;
  v_expected_cost numeric;
  v_messenger jsonb;
  v_answers_until timestamptz;
  v_has_articles boolean;
  v_channel text;
begin
  -- Lock the update row before the user, as all functions do, to prevent deadlocks.
  select t.* into v_known
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if found and v_known.received_at >= v_now - interval '48 hours' and (
    not private.lock_user(v_known) or v_known.status in ('finished', 'dead_lettered')
  ) then
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  end if;
  v_user := private.upsert_user(p_telegram_user, v_now);
  v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  -- In a mode that makes pictures, a text is no question to the AI.
  p_reserve := p_reserve and v_session.mode not like 'image:%';
  if v_session.session_data ->> 'awaiting' like 'key:%' and p_kind in ('message', 'edited_message') then
    -- Redact before the row is stored: earlier versions of a row stay in files and backups.
    p_payload := private.redact_update(p_payload, p_kind);
    p_message := p_message || '{"body": "[hidden]"}';
  end if;
  if v_session.session_data ? 'conversation' then
    v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
    -- The estimate of p_cost has at least 60,000 characters.
    p_cost := greatest(
      p_cost * (1 + coalesce((v_conversation ->> 'file_characters')::integer, 0) / 60000.0),
      (v_conversation ->> 'cost')::numeric
    );
  end if;
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  if p_message is not null then
    p_reserve := p_reserve and not private.is_human_answering(v_user.id, p_bot);
  end if;
  select
    (select s.value #>> '{}' from private.settings as s where s.key = 'quota_timezone'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'balance_currency'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'maintenance'),
    case when p_reserve then (select true from private.settings as s where s.key = 'knowledge:' || p_bot) end,
    case when p_reserve and v_user.vip_level = 0 and not v_user.is_admin then (
      select s.value #>> '{}' from private.settings as s where s.key = 'required_channel:' || p_bot
    ) end
    into v_timezone, v_currency, v_maintenance, v_has_articles, v_channel;
  if v_channel = v_session.session_data #>> '{channel_member,channel}'
    and (v_session.session_data #>> '{channel_member,until}')::numeric > extract(epoch from v_now)
  then
    v_channel := null;
  end if;
  v_gate := case
    when v_user.is_admin then null
    when v_maintenance = 'true' then 'maintenance'
    when v_user.is_waiting then private.waiting_gate(v_user, p_payload #>> '{message,text}')
  end;
  p_reserve := p_reserve and v_gate is null;
  if p_reserve and v_channel is null and not v_banned and v_known.bot is null and not v_session.session_data ?| array['awaiting', 'paste'] then
    v_user_api_key := private.active_token(v_user.id);
    -- What private.reserve_usage almost always decides is stored with the row, which saves a second write of it.
    if v_user_api_key is null then
      v_expected := 'reserved';
      v_expected_day := (v_now at time zone v_timezone)::date;
      v_expected_cost := p_cost;
    else
      v_expected := 'user_api_key';
    end if;
  end if;
  v_claim := private.claim_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now, p_thread,
    v_expected, v_expected_day, v_expected_cost
  );
  if v_claim.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_claim.lease_until - private.clock()))
    );
  elsif v_claim.outcome = 'finished' then
    -- Another delivery finished it concurrently, perhaps by erasing the user.
    if v_user.created_at = v_now then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  elsif v_claim.outcome = 'crash_limit' then
    return json_build_object(
      'outcome', 'crash_limit', 'attempt', v_claim.attempt, 'failures', v_claim.crash_count,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  if v_claim.attempt > 1 then  -- the previous worker may have changed it while this one waited
    v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
    if v_session.session_data ? 'conversation' then
      v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
    end if;
  end if;
  if v_session.session_data ? 'paste' and p_kind in ('message', 'callback_query')
    and v_session.session_data -> 'paste' ->> 'update_id' is distinct from p_update_id::text
  then
    v_session.session_data := private.claim_held_part(v_session, p_lease_seconds);
  end if;
  if p_message is not null and not v_banned then
    v_answers_until := case
      when p_reserve and v_channel is null and not v_session.session_data ? 'awaiting' then v_claim.lease_until
    end;
    v_messenger := case
      when v_claim.is_new then private.record_incoming_message(v_user.id, p_bot, p_message, p_answers_until => v_answers_until)
      else private.messenger_state(v_user.id, p_bot, v_answers_until)
    end;
    if p_reserve and v_messenger ->> 'handler' <> 'bot' then  -- a human took over since p_reserve was decided
      p_reserve := false;
      if v_claim.is_new and v_expected is not null then
        update public.telegram_updates as t
           set reservation = null, reserved_on = null, reserved_from = null, reserved_cost = null
         where t.bot = p_bot and t.update_id = p_update_id;
        v_claim.reservation := null;
        v_user_api_key := null;
      end if;
    end if;
  end if;
  v_is_counted := coalesce(v_claim.reservation in ('reserved', 'settled'), false);
  if v_expected is null and p_reserve and not v_banned and not v_is_counted then
    v_user_api_key := private.active_token(v_user.id);
  end if;
  if p_reserve
    and v_channel is null
    and not v_banned
    and not v_is_counted
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(
      v_user.id, p_bot, p_update_id, p_cost, v_user_api_key is not null, v_timezone
    );
    v_releases_left := v_reserved.releases_left;
    v_user.bonus_credits := v_user.bonus_credits - coalesce((v_reserved.reserved_from = 'bonus')::integer, 0);
    v_claim.reservation := v_reserved.reservation;
    if not v_claim.is_new or v_reserved.reservation is distinct from v_expected
      or v_reserved.reserved_on is distinct from v_expected_day or v_reserved.reserved_from = 'bonus'
    then
      update public.telegram_updates as t
         set reservation = v_claim.reservation,
             reserved_on = v_reserved.reserved_on,
             reserved_from = v_reserved.reserved_from,
             reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
       where t.bot = p_bot and t.update_id = p_update_id;
    end if;
    if v_reserved.plan is not null then
      v_quota := v_reserved;
    end if;
  end if;
  if p_kind = 'edited_message' then
    v_edited := (p_payload -> 'edited_message' ->> 'message_id')::bigint;
    select m.content, m.conversation_id <> coalesce((v_conversation ->> 'messages_id')::bigint, 0)
      into v_edited_question, v_is_old_edit
      from public.messages as m
     where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
       and m.message_id = v_edited and m.role = 'user'
     limit 1;
    v_is_old_edit := coalesce(v_is_old_edit, false) or coalesce((
      select m.message_id > v_edited
        from public.messages as m
       where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
         and m.conversation_id = coalesce((v_conversation ->> 'messages_id')::bigint, 0) and m.role = 'user'
       order by m.id desc
       limit 1
    ), false);
  end if;
  if v_quota is null then
    v_quota := private.quota(v_user.id, v_user.vip_level, v_timezone);
  end if;
  if v_claim.is_new then
    perform set_config('synchronous_commit', 'off', true);
  end if;

  return json_build_object(
    'outcome', 'work',
    'attempt', v_claim.attempt,
    'failures', v_claim.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_session.created_at >= v_claim.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'level', v_user.level,
      'total_xp', v_user.total_xp,
      'currency', v_currency,
      'price_currency', v_user.price_currency,
      'created_at', v_user.created_at,
      'memory_enabled', v_user.memory_enabled,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from private.admin_accounts() as a where a.telegram_id = v_user.telegram_id
      ) end,
      'gate', v_gate,
      'ban', case when v_banned then json_build_object(
        'reason', v_user.ban_reason, 'notified', v_user.ban_notified
      ) end
    ),
    'session', json_build_object('mode', v_session.mode, 'data', v_session.session_data),
    'usage', json_build_object(
      'plan', v_quota.plan,
      'features', v_quota.features,
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'month_requests', v_quota.month_requests,
      'monthly_requests', v_quota.monthly_requests,
      'month_resets_at', v_quota.month_resets_at,
      'bonus_credits', v_user.bonus_credits,
      'timezone', v_quota.timezone
    ),
    'reservation', v_claim.reservation,
    'releases_left', v_releases_left,
    'user_api_key', v_user_api_key,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(
        v_user.id, p_bot, p_chat_id, p_thread, least(p_history, v_quota.history_length), v_edited,
        p_history_characters, coalesce((v_conversation ->> 'messages_id')::bigint, 0),
        coalesce((v_conversation ->> 'summary_until')::bigint, 0)
      )
      else '[]'::json
    end,
    'conversation', v_conversation,
    'memory', case
      when v_user.memory_enabled and p_history > 0 and p_chat_id > 0 then private.load_memory(v_user.id, p_bot)
    end,
    'articles', case
      when v_has_articles and p_reserve and not v_banned then private.find_articles(
        p_bot, coalesce(p_payload #>> array[p_kind, 'text'], p_payload #>> array[p_kind, 'caption'])
      )
    end,
    'messenger', v_messenger,
    'required_channel', v_channel,
    'edited_question', v_edited_question,
    'is_old_edit', v_is_old_edit
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Records the delivery results of outbox items.
--
-- p_results: [{id, outcome: sent | refused | blocked | later, retry_after (seconds), error, message_id, notice}]. message_id is
-- set where the bot has a messenger, whose conversation notes it (private.record_answer_deliveries); notice, where a SQL function
-- enqueued the message, is what the conversation shows of it (private.record_notices). Items that were sent or
-- refused for good are deleted. blocked: the user blocked the bot (private.set_blocked). later: retried
-- after 5 seconds, doubled with each attempt up to an hour, and never before retry_after. An item older than 24 hours
-- is given up; messages for an admins' chat go to the private chats then (private.return_chat_messages).
--
-- Concurrency: an item that is gone is skipped. Items of one update stay in order, because the sender stops at the
--   first that must wait and reports those behind it as waiting too. The commit does not wait for the disk: if the
--   server crashes within the second that follows, the sweep delivers the items once more.
-- Locks: users who blocked a bot and their sessions, conversations of the messenger, admins' chats that cannot be
--   reached, then outbox items.
-- Returns: jsonb
--   dropped: int           (how many were given up after a day of attempts)
-- Errors: none.
create or replace function public.record_deliveries(p_results jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_dropped integer;
begin
  perform set_config('synchronous_commit', 'off', true);
  if not p_results @? '$[*] ? (@.outcome != "sent" || exists(@.message_id))' then
    delete from public.telegram_outbox as o
     where o.id = any (array(select (r.value ->> 'id')::bigint from jsonb_array_elements(p_results) as r (value)));
    return '{"dropped": 0}'::jsonb;
  end if;
  v_now := private.clock();
  perform private.set_blocked(b.chat_id, b.bot, true)
    from (
      select distinct o.chat_id, o.bot
        from jsonb_array_elements(p_results) as r (value)
        join public.telegram_outbox as o on o.id = (r.value ->> 'id')::bigint
       where r.value ->> 'outcome' = 'blocked'
       order by o.chat_id, o.bot
    ) as b;
  perform private.record_answer_deliveries(p_results);
  perform private.record_notices(p_results);
  perform private.return_chat_messages(p_results);
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' in ('sent', 'refused', 'blocked');
  update public.telegram_outbox as o
     set attempts = o.attempts + 1,
         error = left(r.value ->> 'error', 500),
         send_after = v_now + make_interval(
           secs => greatest((r.value ->> 'retry_after')::double precision, least(5 * 2 ^ o.attempts, 3600))
         )
    from jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' = 'later';
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and o.created_at < v_now - interval '24 hours';
  get diagnostics v_dropped = row_count;
  return jsonb_build_object('dropped', v_dropped);
end
$$;

revoke all on function public.record_deliveries from public, anon, authenticated, service_role;
grant execute on function public.record_deliveries to bot_backend;
comment on function public.record_deliveries is 'Records the delivery results of outbox items';
