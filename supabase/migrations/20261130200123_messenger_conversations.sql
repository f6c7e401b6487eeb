-- Conversations of users with people of the team (the messenger). Two functions of an update get parameters more, with defaults.

-- squawk-ignore ban-drop-function
drop function public.answer_state(p_bot text, p_update_id bigint, p_attempt integer);

-- squawk-ignore ban-drop-function
drop function public.receive_update(p_bot text, p_update_id bigint, p_delivery uuid, p_kind text, p_chat_id bigint, p_telegram_user jsonb, p_payload jsonb, p_lease_seconds integer, p_reserve boolean, p_history integer, p_thread bigint, p_history_characters integer, p_cost numeric, p_answer_tokens integer);

-- Conversations of users with a bot, as people of the team see them: one endless thread per bot and user. What the AI
-- remembers of a chat is kept apart (messages, ai_conversations).
--
-- Its row lock orders everything that happens in the thread: numbers of messages, takeovers, unread counts.

create table public.conversations (
  id bigint generated always as identity primary key,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  connection text not null default '',
  last_message_at timestamptz not null default private.clock(),
  last_seq bigint not null default 0,
  last_in_seq bigint not null default 0,
  last_version bigint not null default 0,
  unread_count integer not null default 0,
  waiting_since timestamptz,
  preview text not null default '',
  ai_real_name text,
  ai_background text,
  ai_query text,
  ai_ready_score smallint,
  ai_processing_until timestamptz,
  assignee_id bigint references public.users (id) on delete set null,
  handler text not null default 'bot',
  handler_until timestamptz,
  takeovers integer not null default 0,
  status text not null default 'open',
  snoozed_until timestamptz,
  closed_at timestamptz,
  unreachable text,
  rating smallint,
  rating_asked_at timestamptz,
  changed_xid xid8 not null default pg_current_xact_id(),
  created_at timestamptz not null default private.clock(),
  unique (user_id, bot, connection),
  -- One constraint: every statement that writes a row parses each constraint of the table anew.
  constraint conversations_check check (
    handler in ('bot', 'human', 'paused') and status in ('open', 'closed') and unread_count >= 0
    and unreachable in ('blocked', 'deactivated') and ai_ready_score between 0 and 100 and rating between 1 and 5
  )
);

create index conversations_assignee_idx on public.conversations (assignee_id);
-- The list: newest message first, all and by what is filtered most.
create index conversations_latest_idx on public.conversations (last_message_at, id);
create index conversations_bot_idx on public.conversations (bot, last_message_at, id);
create index conversations_unread_idx on public.conversations (last_message_at, id) where unread_count > 0;
create index conversations_waiting_idx on public.conversations (waiting_since, id) where waiting_since is not null;
create index conversations_ready_idx on public.conversations (ai_ready_score, last_message_at, id)
where ai_ready_score is not null;
-- What the job of the messenger ends: handlers that are due back, and snoozes.
create index conversations_handler_idx on public.conversations (handler_until) where handler_until is not null;
create index conversations_snoozed_idx on public.conversations (snoozed_until) where snoozed_until is not null;
-- What changed since a page asked last (conversation_changes).
create index conversations_changed_idx on public.conversations (changed_xid);

comment on table public.conversations is 'Conversations of users with a bot, as people of the team see them';
comment on column public.conversations.connection is 'business_connection_id of a chat with the owner''s own account; empty: the chat with the bot';
comment on column public.conversations.last_seq is 'Number of the newest message';
comment on column public.conversations.last_in_seq is 'Number of the newest message of the user, without taps and the like';
comment on column public.conversations.last_version is 'Number of the newest change of a message: every new and changed message takes the next one';
comment on column public.conversations.unread_count is 'Messages of the user that no member of the team has read';
comment on column public.conversations.waiting_since is 'Time of the first message of the user that is not answered';
comment on column public.conversations.preview is 'Beginning of the newest message';
comment on column public.conversations.ai_processing_until is 'Until when an AI answer is being written';
comment on column public.conversations.handler is 'Who answers: the bot; a human; paused: the bot is silent until someone of the team changes that';
comment on column public.conversations.handler_until is 'When the bot answers again by itself; null: not by itself';
comment on column public.conversations.takeovers is 'How often a human took over: an AI answer begun before a takeover is dropped';
comment on column public.conversations.snoozed_until is 'Until when the conversation is out of the list of open ones; a message of the user ends that';
comment on column public.conversations.unreachable is 'Why nothing can be sent to the user';
comment on column public.conversations.rating is 'Latest answer of the user to the question after closing, 1 to 5';
comment on column public.conversations.changed_xid is 'Transaction of the last change: the cursor of conversation_changes';
alter table public.conversations enable row level security;
revoke all on table public.conversations from public, anon, authenticated, service_role;
revoke all on sequence public.conversations_id_seq from public, anon, authenticated, service_role;

-- Messages of the conversations that people of the team read and answer. Unlike messages, which the AI is sent, they are
-- kept whole, with media, edits and delivery states.
--
-- Sent by the team:  queued ─▶ sending ─▶ sent | failed | unknown     (unknown: the sender died, or Telegram's answer was
--                       └────▶ canceled                                lost; never sent again by itself)
-- Sent by the bot:   queued (in telegram_outbox) ─▶ sent | failed

create table public.conversation_messages (
  id bigint generated always as identity primary key,
  conversation_id bigint not null references public.conversations (id) on delete cascade,
  -- Not a foreign key: the conversation's is deleted with the user.
  user_id bigint,
  admin_id bigint references public.users (id) on delete set null,
  body text not null,
  direction smallint not null,
  kind text not null,
  source text not null,
  seq bigint not null,
  version bigint not null,
  telegram_message_id bigint,
  reply_to bigint,
  media jsonb,
  buttons jsonb,
  read boolean not null default false,
  status text,
  error text,
  reference text,
  outbox_id bigint,
  send_after timestamptz,
  lease uuid,
  lease_until timestamptz,
  edited_at timestamptz,
  deleted_at timestamptz,
  created_at timestamptz not null default private.clock(),
  unique (conversation_id, seq),
  constraint conversation_messages_check check (
    direction in (0, 1) and source in ('user', 'staff', 'ai', 'bot', 'system')
    and status in ('queued', 'sending', 'sent', 'failed', 'unknown', 'canceled')
  )
);

create index conversation_messages_admin_idx on public.conversation_messages (admin_id);
create unique index conversation_messages_telegram_idx
on public.conversation_messages (conversation_id, telegram_message_id) where telegram_message_id is not null;
create unique index conversation_messages_reference_idx
on public.conversation_messages (reference) where reference is not null;
create index conversation_messages_version_idx on public.conversation_messages (conversation_id, version);
create index conversation_messages_unread_idx
on public.conversation_messages (conversation_id, seq) where direction = 0 and not read;
create index conversation_messages_queued_idx
on public.conversation_messages (send_after, id) where status = 'queued' and outbox_id is null;
create index conversation_messages_sending_idx
on public.conversation_messages (lease_until) where status = 'sending';
create index conversation_messages_outbox_idx
on public.conversation_messages (outbox_id) where outbox_id is not null;
-- The sweep deletes expired messages; the search of frequent words goes back in time.
create index conversation_messages_created_at_idx on public.conversation_messages (created_at);
-- The search by words. A part of Postgres itself, unlike pg_trgm, which not every server has.
create index conversation_messages_words_idx
on public.conversation_messages using gin (to_tsvector('pg_catalog.simple'::regconfig, body));

comment on table public.conversation_messages is 'Messages of the conversations that people of the team read and answer';
comment on column public.conversation_messages.user_id is 'The user who wrote it; null: the bot, the AI or the team';
comment on column public.conversation_messages.admin_id is 'The member of the team who wrote it, also a note';
comment on column public.conversation_messages.body is 'Text or caption; what looks like a secret is hidden. A deleted message keeps it';
comment on column public.conversation_messages.direction is '0: from the user; 1: to the user, and notes';
comment on column public.conversation_messages.kind is 'text, photo, video, voice, …; event: a tap on a button and the like; note: for the team alone';
comment on column public.conversation_messages.seq is 'Number in the conversation, taken under the lock of its row';
comment on column public.conversation_messages.version is 'Number of its last change in the conversation (conversations.last_version)';
comment on column public.conversation_messages.reply_to is 'telegram_message_id of the message that it replies to';
comment on column public.conversation_messages.media is 'Files by their file_id, with size, name and type; coordinates, contacts';
comment on column public.conversation_messages.read is 'Whether someone of the team has read a message of the user';
comment on column public.conversation_messages.status is 'State of delivery; null: of the user, or a note';
comment on column public.conversation_messages.error is 'Why it was not delivered: blocked, deactivated, or Telegram''s words';
comment on column public.conversation_messages.reference is 'Idempotency key of the page that sent it';
comment on column public.conversation_messages.outbox_id is 'Item of telegram_outbox that delivers an answer of the bot, until its result is known';
comment on column public.conversation_messages.lease is 'Delivery that is sending it';
alter table public.conversation_messages enable row level security;
revoke all on table public.conversation_messages from public, anon, authenticated, service_role;
revoke all on sequence public.conversation_messages_id_seq from public, anon, authenticated, service_role;

-- Earlier texts of edited messages, of the user or of the team.

create table public.conversation_message_revisions (
  id bigint generated always as identity primary key,
  message_id bigint not null references public.conversation_messages (id) on delete cascade,
  body text not null,
  media jsonb,
  replaced_at timestamptz not null default private.clock()
);

create index conversation_message_revisions_message_idx on public.conversation_message_revisions (message_id, id);

comment on table public.conversation_message_revisions is 'Earlier texts of edited messages';
comment on column public.conversation_message_revisions.replaced_at is 'When the text was edited';
alter table public.conversation_message_revisions enable row level security;
revoke all on table public.conversation_message_revisions from public, anon, authenticated, service_role;
revoke all on sequence public.conversation_message_revisions_id_seq from public, anon, authenticated, service_role;

-- Collects a user's conversations with the team: their messages, answers and earlier texts. Notes, which the team writes for
-- itself, are left out.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.messenger_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'conversations', (
      select coalesce(
          jsonb_agg(to_jsonb(c) - array['user_id', 'connection', 'assignee_id', 'takeovers', 'changed_xid'] order by c.id),
          '[]'::jsonb
        )
        from public.conversations as c
       where c.user_id = p_user_id
    ),
    'messages', (
      select coalesce(
          jsonb_agg(
            to_jsonb(m)
              - array['user_id', 'admin_id', 'version', 'reference', 'outbox_id', 'lease', 'lease_until']
            order by m.conversation_id, m.seq
          ),
          '[]'::jsonb
        )
        from public.conversations as c
        join public.conversation_messages as m on m.conversation_id = c.id
       where c.user_id = p_user_id and m.kind <> 'note'
    ),
    'revisions', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.id), '[]'::jsonb)
        from public.conversations as c
        join public.conversation_messages as m on m.conversation_id = c.id
        join public.conversation_message_revisions as r on r.message_id = m.id
       where c.user_id = p_user_id and m.kind <> 'note'
    )
  );
$$;

revoke all on function private.messenger_section from public, anon, authenticated, service_role;
comment on function private.messenger_section is 'Collects a user''s conversations with the team';

-- Deletes messages of conversations of the messenger that are older than the setting retention_conversations_days, and
-- conversations that are as old and empty.
--
-- Concurrency: conversations that are locked at the moment are left to the next run.
-- Locks: conversations (FOR UPDATE SKIP LOCKED), by id.
-- Returns: integer, how many messages; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_conversation_messages(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant timestamptz := private.clock() - make_interval(days => private.setting('retention_conversations_days')::integer);
  v_messages bigint[];
  v_conversations bigint[];
  v_deleted integer;
begin
  v_messages := array(
    select m.id from public.conversation_messages as m where m.created_at < v_before order by m.created_at limit p_limit
  );
  if cardinality(v_messages) = 0 then
    return 0;
  end if;
  v_conversations := array(
    with old as (
      select c.id
        from public.conversations as c
       where c.id in (select m.conversation_id from public.conversation_messages as m where m.id = any (v_messages))
       order by c.id
         for update skip locked
    )
    select old.id from old
  );
  update public.conversations as c
     set unread_count = c.unread_count - u.unread, changed_xid = pg_current_xact_id()
    from (
      select m.conversation_id, count(*) as unread
        from public.conversation_messages as m
       where m.id = any (v_messages) and m.direction = 0 and not m.read
       group by m.conversation_id
    ) as u
   where c.id = u.conversation_id and c.id = any (v_conversations);
  delete from public.conversation_messages as m
   where m.id = any (v_messages) and m.conversation_id = any (v_conversations);
  get diagnostics v_deleted = row_count;
  delete from public.conversations as c
   where c.id = any (v_conversations) and c.last_message_at < v_before
     and not exists (select from public.conversation_messages as m where m.conversation_id = c.id);
  return v_deleted;
end
$$;

revoke all on function private.delete_old_conversation_messages from public, anon, authenticated, service_role;
comment on function private.delete_old_conversation_messages is 'Deletes messages of conversations past their retention';

-- Returns whether the bot is silent in its conversation with a user, because a human answers or it was paused. A time that
-- is over counts no longer.
--
-- Concurrency: read-only. A takeover that commits afterwards is found under the conversation's lock
--   (private.record_incoming_message, public.finish_update).
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_human_answering(p_user_id bigint, p_bot text)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
      from public.conversations as c
     where c.user_id = p_user_id and c.bot = p_bot and c.connection = '' and c.handler <> 'bot'
       and coalesce(c.handler_until > private.clock(), true)
  );
$$;

revoke all on function private.is_human_answering from public, anon, authenticated, service_role;
comment on function private.is_human_answering is 'Returns whether the bot is silent in its conversation with a user';

-- Returns what the list of conversations shows of a message: the beginning of its text in one line, else its kind in
-- brackets, which pages translate.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text, at most 160 characters.
-- Errors: none.
create or replace function private.message_preview(p_kind text, p_body text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_body ~ '\S' then left(btrim(regexp_replace(left(p_body, 320), '\s+', ' ', 'g')), 160)
    else '[' || p_kind || ']'
  end;
$$;

revoke all on function private.message_preview from public, anon, authenticated, service_role;
comment on function private.message_preview is 'Returns what the list of conversations shows of a message';

-- Returns who answers in the conversation of a user with a bot.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, as private.record_incoming_message; null where there is no conversation.
-- Errors: none.
create or replace function private.messenger_state(p_user_id bigint, p_bot text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'conversation_id', c.id, 'handler', c.handler, 'takeovers', c.takeovers, 'is_returned', false
  )
    from public.conversations as c
   where c.user_id = p_user_id and c.bot = p_bot and c.connection = '';
$$;

revoke all on function private.messenger_state from public, anon, authenticated, service_role;
comment on function private.messenger_state is 'Returns who answers in the conversation of a user with a bot';

-- Finds the conversation of a user with a bot and locks it, or creates it.
--
-- Concurrency: two first messages at once meet in the unique key, and both get the one row.
-- Locks: user (KEY SHARE), then the conversation: always in this order, because an erasure locks the user first.
-- Returns: public.conversations, the row.
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.open_messenger_conversation(p_user_id bigint, p_bot text, p_connection text default '')
returns public.conversations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'the user was erased at this moment' using errcode = '40001';
  end if;
  select c.* into v_conversation
    from public.conversations as c
   where c.user_id = p_user_id and c.bot = p_bot and c.connection = p_connection
     for update;
  if not found then
    insert into public.conversations as c (user_id, bot, connection)
    values (p_user_id, p_bot, p_connection)
    on conflict (user_id, bot, connection) do update set connection = excluded.connection
    returning c.* into v_conversation;
  end if;
  return v_conversation;
end
$$;

revoke all on function private.open_messenger_conversation from public, anon, authenticated, service_role;
comment on function private.open_messenger_conversation is 'Finds or creates the conversation of a user with a bot';

-- Notes in conversations how the delivery of a bot's answers ended.
--
-- p_results: those of public.record_deliveries; of a delivered message with message_id. Items that wait for another attempt
-- stay as they are.
--
-- Concurrency: an item that a conversation no longer waits for is skipped.
-- Locks: conversations, by id.
-- Returns: void
-- Errors: none.
create or replace function private.record_answer_deliveries(p_results jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversations constant bigint[] := array(
    select distinct m.conversation_id
      from public.conversation_messages as m
     where m.outbox_id = any (array(select (r.value ->> 'id')::bigint from jsonb_array_elements(p_results) as r (value)))
  );
begin
  if cardinality(v_conversations) = 0 then
    return;
  end if;
  perform from public.conversations as c where c.id = any (v_conversations) order by c.id for no key update;
  update public.conversations as c
     set last_version = c.last_version + 1,
         unreachable = case
           when exists (
             select
               from jsonb_array_elements(p_results) as r (value)
               join public.conversation_messages as m on m.outbox_id = (r.value ->> 'id')::bigint
              where r.value ->> 'outcome' = 'blocked' and m.conversation_id = c.id
           ) then 'blocked'
           else c.unreachable
         end,
         changed_xid = pg_current_xact_id()
   where c.id = any (v_conversations);
  update public.conversation_messages as m
     set status = case r.value ->> 'outcome' when 'sent' then 'sent' else 'failed' end,
         error = case r.value ->> 'outcome' when 'blocked' then 'blocked' when 'sent' then null else left(r.value ->> 'error', 500) end,
         telegram_message_id = case
           when m.telegram_message_id is null and not exists (
             select
               from public.conversation_messages as k
              where k.conversation_id = m.conversation_id and k.telegram_message_id = (r.value ->> 'message_id')::bigint
           ) then (r.value ->> 'message_id')::bigint
           else m.telegram_message_id
         end,
         outbox_id = null,
         version = c.last_version
    from jsonb_array_elements(p_results) as r (value), public.conversations as c
   where m.outbox_id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' <> 'later' and c.id = m.conversation_id;
end
$$;

revoke all on function private.record_answer_deliveries from public, anon, authenticated, service_role;
comment on function private.record_answer_deliveries is 'Notes in conversations how the delivery of a bot''s answers ended';

-- Writes what a bot answered into the conversation.
--
-- p_messages [{kind, body, source, buttons, media, message_id, call}]: call is the place of its Bot API call in p_outgoing,
-- the ids of outbox items, which deliver it; without it, the message was sent before the commit (message_id) or travels in
-- the HTTP response. With edits, the call changes the message message_id, which is written anew only where the conversation
-- does not have it. The user waits no longer where the bot handles the conversation.
--
-- Concurrency: the caller holds the conversation's row (p_conversation) and the update's, and calls once.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.record_answers(
  p_conversation public.conversations, p_messages jsonb, p_outgoing jsonb
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
         ai_processing_until = null,
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
--
-- Concurrency: the conversation is locked, so numbers follow the order of the commits. A message that the conversation
--   has already is not written again.
-- Locks: as private.open_messenger_conversation.
-- Returns: jsonb, {conversation_id, handler, takeovers, is_returned (the bot answers again since this message)}.
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.record_incoming_message(
  p_user_id bigint, p_bot text, p_message jsonb, p_connection text default ''
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
           changed_xid = pg_current_xact_id()
     where c.id = v_conversation.id;
  elsif p_message ? 'is_edit' and v_message.direction = 0
    and (v_message.body, v_message.media) is distinct from (v_body, nullif(p_message -> 'media', 'null'))
  then
    perform private.revise_message(v_message, v_conversation.last_version + 1, v_body, nullif(p_message -> 'media', 'null'));
    update public.conversations as c
       set last_version = c.last_version + 1, changed_xid = pg_current_xact_id()
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

-- Gives a message of a conversation another text, and keeps the former one as a revision.
--
-- Concurrency: the caller holds the conversation's row and takes p_version from it.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.revise_message(
  p_message public.conversation_messages, p_version bigint, p_body text, p_media jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
begin
  insert into public.conversation_message_revisions (message_id, body, media, replaced_at)
  values (p_message.id, p_message.body, p_message.media, v_now);
  update public.conversation_messages as m
     set body = p_body, media = p_media, edited_at = v_now, version = p_version
   where m.id = p_message.id;
end
$$;

revoke all on function private.revise_message from public, anon, authenticated, service_role;
comment on function private.revise_message is 'Gives a message of a conversation another text';

-- Makes the bot or a human answer in a conversation, or neither (paused).
--
-- An answer that the AI is writing for the user is dropped where this takes the conversation from the bot: each switch to
-- human or paused counts as a takeover, which public.finish_update compares. Answers of the AI that wait in the outbox for
-- another attempt are withdrawn; one that is being sent right now arrives.
--
-- Concurrency: the caller holds the conversation's row. To switch to the same handler again sets its end anew.
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
  v_withdrawn bigint[] := '{}';
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

-- Collects all data stored about a user except the conversation. Each section has a title and an explanation in the
-- texts (section_<name>). Of the AI calls it holds the newest 10,000; the monthly sums cover all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per section.
-- Errors: none.
create or replace function private.user_data_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'user', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id, s.thread_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'conversations', (
      select coalesce(jsonb_agg(to_jsonb(c) - array['user_id', 'reference', 'summary_claim', 'summary_claimed_at'] order by c.id), '[]'::jsonb)
        from public.ai_conversations as c
       where c.user_id = u.id
    ),
    'conversation_files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_conversation_files as f
       where f.user_id = u.id
    ),
    'shared_pages', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'digest', 'reference'] order by s.id), '[]'::jsonb)
        from public.shared_conversations as s
       where s.user_id = u.id
    ),
    'web_sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'token_hash'] order by s.id), '[]'::jsonb)
        from public.user_sessions as s
       where s.user_id = u.id
    ),
    'logins', (
      select coalesce(
        jsonb_agg(
          to_jsonb(a) - array['public_hash', 'browser_hash', 'code', 'verifier', 'return_to', 'address_hash', 'user_id', 'session_hash']
          order by a.created_at
        ),
        '[]'::jsonb
      )
        from public.login_attempts as a
       where a.user_id = u.id
    ),
    'memory', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_memory as f
       where f.user_id = u.id
    ),
    'memory_proposals', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['id', 'user_id'] order by p.id), '[]'::jsonb)
        from public.ai_memory_proposals as p
       where p.user_id = u.id
    ),
    'requests', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]')
        from public.daily_usage as d
       where d.user_id = u.id
    ),
    'months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month), '[]')
        from public.monthly_usage as m
       where m.user_id = u.id
    ),
    'ai_months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month, m.provider, m.model), '[]')
        from public.monthly_api_usage as m
       where m.user_id = u.id
    ),
    'ai_calls', (
      select coalesce(jsonb_agg(to_jsonb(c.call) - array['id', 'user_id'] order by c.created_at, c.id), '[]')
        from (
          select a as call, a.created_at, a.id
            from public.api_usage as a
           where a.user_id = u.id
           order by a.created_at desc
           limit 10000
        ) as c
    ),
    'files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]')
        from public.stored_files as f
       where f.user_id = u.id
    ),
    'photo', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'bot', a.bot, 'photo_id', a.photo_id, 'mime_type', a.mime_type, 'image', encode(a.image, 'base64'),
               'wanted_at', a.wanted_at, 'checked_at', a.checked_at
             )), '[]'::jsonb)
        from public.user_avatars as a
       where a.user_id = u.id
    ),
    'keys', public.list_user_tokens(u.id),
    'balance', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.id), '[]')
        from public.balance_transactions as t
       where t.user_id = u.id
    ),
    'subscriptions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.id), '[]')
        from public.subscriptions as s
       where s.user_id = u.id
    ),
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) - array['id', 'user_id'] order by g.id), '[]')
        from public.service_grants as g
       where g.user_id = u.id
    ),
    'trainings', jsonb_build_object(
      'given', (
        select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]'::jsonb)
          from public.free_trainings as f
         where f.user_id = u.id
      ),
      'used', (
        select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
          from public.access_usages as a
         where a.user_id = u.id
      ),
      'sessions', (
        select coalesce(
            jsonb_agg(to_jsonb(t) - array['user_id', 'rules', 'turn_reference', 'turn_lease_until'] order by t.id),
            '[]'::jsonb
          )
          from public.trainings as t
         where t.user_id = u.id
      ),
      'turns', (
        select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.training_id, r.position), '[]'::jsonb)
          from public.trainings as t
          join public.training_turns as r on r.training_id = t.id
         where t.user_id = u.id
      ),
      'review_drafts', (
        select coalesce(
            jsonb_agg(to_jsonb(v) - array['user_id', 'lease_reference', 'lease_until'] order by v.id), '[]'::jsonb
          )
          from public.review_drafts as v
         where v.user_id = u.id
      ),
      'disputes', (
        select coalesce(jsonb_agg(to_jsonb(d) - array['turn_id', 'user_id'] order by d.id), '[]'::jsonb)
          from public.training_disputes as d
         where d.user_id = u.id
      ),
      'history', (
        select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id'] order by h.id), '[]'::jsonb)
          from public.training_history as h
         where h.user_id = u.id
      )
    ),
    'teams', private.teams_section(u.id),
    'xp', private.xp_section(u.id),
    'quiz', private.quiz_section(u.id),
    'courses', private.courses_section(u.id),
    'messenger', private.messenger_section(u.id),
    'reminders', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['user_id', 'asked_by'] order by r.due_at, r.id), '[]'::jsonb)
        from public.reminders as r
       where r.user_id = u.id
    ),
    'generations', private.generations_section(u.id),
    'payments', private.payments_section(u),
    'promocodes', jsonb_build_object(
      'redeemed', (
        select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.created_at, p.promocode_id), '[]'::jsonb)
          from public.promocode_usages as p
         where p.user_id = u.id
      ),
      'attempts', (select to_jsonb(t) - 'user_id' from public.promocode_attempts as t where t.user_id = u.id)
    ),
    'referrals', jsonb_build_object(
      'invited_by', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'invited', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'admins', (
      select coalesce(jsonb_agg(to_jsonb(l) - array['user_id', 'admin_email'] order by l.id), '[]')
        from public.audit_log as l
       where l.user_id = u.id
    ),
    'updates', (
      select coalesce(
          jsonb_agg(to_jsonb(t) - array['user_id', 'delivery'] order by t.received_at, t.update_id), '[]'
        )
        from public.telegram_updates as t
       where t.user_id = u.id
    ),
    'unsent', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]')
        from public.telegram_outbox as o
       where o.chat_id = u.telegram_id
    )
  )
  from public.users as u
  where u.id = p_user_id;
$$;

revoke all on function private.user_data_sections from public, anon, authenticated, service_role;
comment on function private.user_data_sections is 'Collects all data stored about a user except the conversation';

-- Returns whether the answer that a worker writes is still wanted. Called before each draft but the first; where the bot has
-- a messenger, before a voice message too.
--
-- p_conversation, p_takeovers: the conversation of the messenger as the update found it; null: the bot has none.
--
-- Concurrency: read-only, one row of each by its key.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'wanted' | 'stopped' | 'taken_over' | 'superseded'
--                          (stopped: by the user; taken_over: a human answers now; superseded: another worker has taken
--                          over, or the user was erased)
-- Errors: none.
create or replace function public.answer_state(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_conversation bigint default null,
  p_takeovers integer default null
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_stopped boolean;
begin
  select t.is_stopped into v_is_stopped
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id and t.attempt = p_attempt and t.status = 'working';
  if not v_is_stopped and p_conversation is not null and exists (
    select from public.conversations as c where c.id = p_conversation and c.takeovers <> p_takeovers
  ) then
    return '{"outcome": "taken_over"}'::jsonb;
  end if;
  return jsonb_build_object(
    'outcome', case when v_is_stopped then 'stopped' when found then 'wanted' else 'superseded' end
  );
end
$$;

revoke all on function public.answer_state from public, anon, authenticated, service_role;
grant execute on function public.answer_state to bot_backend;
comment on function public.answer_state is 'Returns whether the answer that a worker writes is still wanted';

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
-- Locks: update row, user (KEY SHARE; FOR UPDATE for an erasure), with messenger the conversation, for a first request referrer and user by id,
--   request counters, the held update (FOR UPDATE SKIP LOCKED), session, conversation and messages,
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
    perform private.record_answers(v_messenger, p_session -> 'messenger' -> 'messages', v_outgoing);
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
-- has no messenger. While a human answers, no AI request is reserved.
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
--   new update, with p_message the conversation, then as private.claim_held_part and private.reserve_usage. As everywhere, a known update row comes
--   before its user.
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
--     ban?: { reason: text | null, notified: boolean } | null
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
--   messenger?: {
--     conversation_id: bigint, handler: 'bot' | 'human' | 'paused', takeovers: int, is_returned: boolean
--   } | null               (null: the bot has no messenger; is_returned: the bot answers again since this message)
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
    (select s.value #>> '{}' from private.settings as s where s.key = 'balance_currency')
    into v_timezone, v_currency;
  if p_reserve and not v_banned and v_known.bot is null and not v_session.session_data ?| array['awaiting', 'paste'] then
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
    v_messenger := case
      when v_claim.is_new then private.record_incoming_message(v_user.id, p_bot, p_message)
      else private.messenger_state(v_user.id, p_bot)
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
        select a.email from public.admins as a where a.telegram_id = v_user.telegram_id
      ) end,
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
    'messenger', v_messenger,
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
-- p_results: [{id, outcome: sent | refused | blocked | later, retry_after (seconds), error, message_id}]. message_id is set
-- where the bot has a messenger, whose conversation notes it (private.record_answer_deliveries). Items that were sent or
-- refused for good are deleted. blocked: the user blocked the bot (private.set_blocked). later: retried
-- after 5 seconds, doubled with each attempt up to an hour, and never before retry_after. An item older than 24 hours
-- is given up.
--
-- Concurrency: an item that is gone is skipped. Items of one update stay in order, because the sender stops at the
--   first that must wait and reports those behind it as waiting too. The commit does not wait for the disk: if the
--   server crashes within the second that follows, the sweep delivers the items once more.
-- Locks: users who blocked a bot and their sessions, conversations of the messenger, then outbox items.
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

-- Records whether a user blocks a bot. users.is_active is false while the user blocks every bot with which there is a private
-- chat, so that a message still goes out through another bot (private.reachable_bot).
--
-- Concurrency: the user's row is locked, so two bots that are blocked at once see each other's change.
-- Locks: user (NO KEY UPDATE), session, conversation of the messenger.
-- Returns: void
-- Errors: none.
create or replace function private.set_blocked(p_telegram_id bigint, p_bot text, p_is_blocked boolean)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
begin
  select u.id into v_user_id from public.users as u where u.telegram_id = p_telegram_id for no key update;
  update public.bot_sessions as s
     set is_blocked = p_is_blocked
   where s.user_id = v_user_id and s.bot = p_bot and s.chat_id = p_telegram_id and s.is_blocked <> p_is_blocked;
  update public.users as u
     set is_active = not p_is_blocked or exists (
       select from public.bot_sessions as s
        where s.user_id = v_user_id and s.chat_id = p_telegram_id and s.bot <> p_bot and not s.is_blocked
     )
   where u.id = v_user_id;
  update public.conversations as c
     set unreachable = case when p_is_blocked then 'blocked' end, changed_xid = pg_current_xact_id()
   where c.user_id = v_user_id and c.bot = p_bot and c.connection = ''
     and c.unreachable is distinct from case when p_is_blocked then 'blocked' end;
end
$$;

revoke all on function private.set_blocked from public, anon, authenticated, service_role;
comment on function private.set_blocked is 'Records whether a user blocks a bot';

-- Releases what crashed workers hold, and deletes what is past its retention: requests reserved by updates that are
-- older than ten minutes and have no lease, finished and dead-lettered updates, messages, and request counters of
-- erased users. Also ends expired subscriptions, creates and drops partitions of api_usage, and enqueues alarms of
-- admins who wrote to a bot for the first time, and deletes the boards of past days and weeks, and old quizzes, rounds in
-- groups, reviews of conversations, proposed facts, shared pages, and what is
-- over of the console's logins. p_limit: the most rows of each kind.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: as the functions it calls, in their order here; each skips locked rows.
-- Returns: jsonb
--   { [text]: int }        (how many of each kind, at most p_limit: released, updates, messages, erased, subscriptions,
--                          months, alarms, boards, quizzes, rounds, reviews, proposals, pages, logins, conversations)
-- Errors: none.
create or replace function public.sweep(p_limit integer default 1000)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'released', private.release_stale_requests(p_limit),
    'updates', private.delete_old_updates(p_limit),
    'messages', private.delete_old_messages(p_limit),
    'erased', private.expire_tombstones(p_limit),
    'subscriptions', private.expire_subscriptions(p_limit),
    'months', private.maintain_usage_partitions(),
    'alarms', private.enqueue_waiting_alarms(p_limit),
    'boards', private.delete_old_boards(p_limit),
    'quizzes', private.delete_old_quiz_runs(p_limit),
    'rounds', private.delete_old_quiz_rounds(p_limit),
    'reviews', private.delete_old_reviews(p_limit),
    'proposals', private.delete_old_proposals(p_limit),
    'pages', private.delete_old_shared_conversations(p_limit),
    'logins', private.delete_old_logins(p_limit),
    'conversations', private.delete_old_conversation_messages(p_limit)
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated, service_role;
grant execute on function public.sweep to bot_backend;
comment on function public.sweep is 'Releases stale reservations and deletes what is past its retention';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "messenger_human_hours", "about": "Hours without a message of the team after which the bot answers again in a conversation that a human took over; 0: never by itself", "value": 12}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "retention_conversations_days", "about": "Days that messages between users and the team are kept", "value": 365}') on conflict do nothing;
