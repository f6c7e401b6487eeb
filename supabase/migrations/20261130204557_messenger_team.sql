-- What people of the team do in the messenger: read, answer, assign, label, close, with canned replies and figures.

alter table public.conversations add column rated_at timestamp with time zone;

-- Labels for conversations, made by the team.

create table public.messenger_labels (
  id bigint generated always as identity primary key,
  name text not null check (length(name) between 1 and 40),
  color text not null default 'gray' check (color in ('gray', 'red', 'orange', 'yellow', 'green', 'blue', 'purple')),
  created_at timestamptz not null default private.clock()
);

create unique index messenger_labels_name_idx on public.messenger_labels (lower(name));

comment on table public.messenger_labels is 'Labels for conversations';
alter table public.messenger_labels enable row level security;
revoke all on table public.messenger_labels from public, anon, authenticated, service_role;
revoke all on sequence public.messenger_labels_id_seq from public, anon, authenticated, service_role;

-- Canned replies: texts that the team sends often, in several languages, with variables in braces. One with actions is a
-- macro: it labels, assigns and closes, too.

create table public.canned_replies (
  id bigint generated always as identity primary key,
  shortcut text not null check (shortcut ~ '^[a-z0-9_-]{1,32}$'),
  texts jsonb not null check (jsonb_typeof(texts) = 'object'),
  labels bigint[] not null default '{}',
  takes_over boolean not null default false,
  closes boolean not null default false,
  used_count integer not null default 0,
  updated_at timestamptz not null default private.clock()
);

create unique index canned_replies_shortcut_idx on public.canned_replies (shortcut);

comment on table public.canned_replies is 'Texts that the team sends often, with actions';
comment on column public.canned_replies.shortcut is 'What is typed after a slash to find it';
comment on column public.canned_replies.texts is 'Text by language; may be empty where it only acts';
comment on column public.canned_replies.labels is 'Labels that it gives the conversation';
comment on column public.canned_replies.takes_over is 'It assigns the conversation to the one who uses it';
comment on column public.canned_replies.closes is 'It closes the conversation';
alter table public.canned_replies enable row level security;
revoke all on table public.canned_replies from public, anon, authenticated, service_role;
revoke all on sequence public.canned_replies_id_seq from public, anon, authenticated, service_role;

-- Replies that a member of the team is writing, one per conversation.

create table public.conversation_drafts (
  conversation_id bigint not null references public.conversations (id) on delete cascade,
  operator_id bigint not null references public.users (id) on delete cascade,
  body text not null check (length(body) between 1 and 16000),
  updated_at timestamptz not null default private.clock(),
  primary key (conversation_id, operator_id)
);

create index conversation_drafts_operator_idx on public.conversation_drafts (operator_id);

comment on table public.conversation_drafts is 'Replies that a member of the team is writing';
alter table public.conversation_drafts enable row level security;
revoke all on table public.conversation_drafts from public, anon, authenticated, service_role;

-- The labels that conversations have.

create table public.conversation_labels (
  conversation_id bigint not null references public.conversations (id) on delete cascade,
  label_id bigint not null references public.messenger_labels (id) on delete cascade,
  created_at timestamptz not null default private.clock(),
  primary key (conversation_id, label_id)
);

create index conversation_labels_label_idx on public.conversation_labels (label_id, conversation_id);

comment on table public.conversation_labels is 'The labels that conversations have';
alter table public.conversation_labels enable row level security;
revoke all on table public.conversation_labels from public, anon, authenticated, service_role;

-- Who of the team has a conversation open right now, and who is typing. Rows whose time is over count no longer.

create table public.conversation_presence (
  conversation_id bigint not null references public.conversations (id) on delete cascade,
  operator_id bigint not null references public.users (id) on delete cascade,
  seen_until timestamptz not null,
  typing_until timestamptz,
  primary key (conversation_id, operator_id)
);

create index conversation_presence_operator_idx on public.conversation_presence (operator_id);
create index conversation_presence_seen_until_idx on public.conversation_presence (seen_until);

comment on table public.conversation_presence is 'Who of the team has a conversation open, and who is typing';
alter table public.conversation_presence enable row level security;
revoke all on table public.conversation_presence from public, anon, authenticated, service_role;

-- How far each member of the team has read a conversation.

create table public.conversation_reads (
  conversation_id bigint not null references public.conversations (id) on delete cascade,
  operator_id bigint not null references public.users (id) on delete cascade,
  read_seq bigint not null default 0,
  is_marked_unread boolean not null default false,
  primary key (conversation_id, operator_id)
);

create index conversation_reads_operator_idx on public.conversation_reads (operator_id);

comment on table public.conversation_reads is 'How far each member of the team has read a conversation';
comment on column public.conversation_reads.read_seq is 'Number of the last message read: all up to it are';
comment on column public.conversation_reads.is_marked_unread is 'The member of the team wants to see it as unread until opening it again';
alter table public.conversation_reads enable row level security;
revoke all on table public.conversation_reads from public, anon, authenticated, service_role;

-- What the team did in conversations, counted per day, bot and member: replies, how long users waited, ratings.

create table public.messenger_days (
  day date not null,
  bot text not null,
  operator_id bigint not null,
  replies integer not null default 0,
  answered integer not null default 0,
  waited_seconds bigint not null default 0,
  late integer not null default 0,
  closed integer not null default 0,
  ratings integer not null default 0,
  rating_sum integer not null default 0,
  primary key (day, bot, operator_id)
);

comment on table public.messenger_days is 'What the team did in conversations, counted per day';
comment on column public.messenger_days.day is 'Day in the time zone of the setting quota_timezone';
comment on column public.messenger_days.operator_id is 'users.id of the member; stays when they are erased';
comment on column public.messenger_days.answered is 'Replies to users who waited';
comment on column public.messenger_days.waited_seconds is 'How long these users waited in all';
comment on column public.messenger_days.late is 'How many of them waited longer than the setting messenger_late_minutes';
alter table public.messenger_days enable row level security;
revoke all on table public.messenger_days from public, anon, authenticated, service_role;

-- Collects a user's conversations with the team: their messages, answers and earlier texts. Notes, which the team writes for
-- itself, are left out. Of a member of the staff also their drafts, and what they read and have open.
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
    ),
    'labels', (
      select coalesce(jsonb_agg(to_jsonb(k) order by k.conversation_id, k.label_id), '[]'::jsonb)
        from public.conversations as c
        join public.conversation_labels as k on k.conversation_id = c.id
       where c.user_id = p_user_id
    ),
    'drafts', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'operator_id' order by d.conversation_id), '[]'::jsonb)
        from public.conversation_drafts as d
       where d.operator_id = p_user_id
    ),
    'read', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'operator_id' order by r.conversation_id), '[]'::jsonb)
        from public.conversation_reads as r
       where r.operator_id = p_user_id
    ),
    'open', (
      select coalesce(jsonb_agg(to_jsonb(p) - 'operator_id' order by p.conversation_id), '[]'::jsonb)
        from public.conversation_presence as p
       where p.operator_id = p_user_id
    )
  );
$$;

revoke all on function private.messenger_section from public, anon, authenticated, service_role;
comment on function private.messenger_section is 'Collects a user''s conversations with the team';

-- Returns whether the team may edit or delete a message: its own, at most 48 hours old, as Telegram allows.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_message_changeable(p_message public.conversation_messages)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_message.source = 'staff' and p_message.kind <> 'note' and p_message.status = 'sent' and p_message.deleted_at is null
    and p_message.telegram_message_id is not null and p_message.created_at > private.clock() - interval '48 hours';
$$;

revoke all on function private.is_message_changeable from public, anon, authenticated, service_role;
comment on function private.is_message_changeable is 'Returns whether the team may edit or delete a message';

-- Returns the day to which figures of the messenger belong now.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: date, in the time zone of the setting quota_timezone.
-- Errors: none.
create or replace function private.messenger_day()
returns date
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select (private.clock() at time zone private.setting('quota_timezone'))::date;
$$;

revoke all on function private.messenger_day from public, anon, authenticated, service_role;
comment on function private.messenger_day is 'Returns the day to which figures of the messenger belong now';

-- Writes into the thread what a member of the team did with a conversation: assigned, closed, took over.
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
end
$$;

revoke all on function private.add_conversation_event from public, anon, authenticated, service_role;
comment on function private.add_conversation_event is 'Writes into the thread what a member of the team did';

-- Writes a note into a conversation that only the staff sees. It is never sent, and no AI reads it.
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
  return private.conversation_message_row(v_message);
end
$$;

revoke all on function public.add_conversation_note from public, anon, authenticated, service_role;
grant execute on function public.add_conversation_note to bot_backend;
comment on function public.add_conversation_note is 'Writes a note into a conversation that only the staff sees';

-- Assigns a conversation to a member of the staff, or gives it back to all (p_assignee_id null).
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the role of the user, or of the assignee, does not allow it; I0001 no such conversation.
create or replace function public.assign_conversation(p_actor_id bigint, p_conversation_id bigint, p_assignee_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  if p_assignee_id is not null then
    perform private.require_staff(p_assignee_id, 'operator');
  end if;
  if v_conversation.assignee_id is distinct from p_assignee_id then
    update public.conversations as c set assignee_id = p_assignee_id where c.id = p_conversation_id;
    perform private.add_conversation_event(
      p_conversation_id, p_actor_id, case when p_assignee_id is null then 'unassigned' else 'assigned' end,
      case when p_assignee_id is not null then jsonb_build_object('user_id', p_assignee_id, 'name', (
        select concat_ws(' ', nullif(u.first_name, ''), u.last_name) from public.users as u where u.id = p_assignee_id
      )) end
    );
  end if;
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.assign_conversation from public, anon, authenticated, service_role;
grant execute on function public.assign_conversation to bot_backend;
comment on function public.assign_conversation is 'Assigns a conversation to a member of the staff';

-- Makes a human answer in a conversation, as a message of the staff is about to be sent: takes over from the bot, with a notice
-- to the user, keeps the bot away for longer, assigns the conversation where no one has it, ends the user's waiting.
--
-- Concurrency: the caller holds the conversation's row.
-- Locks: as private.switch_handler.
-- Returns: public.conversations, the changed row.
-- Errors: none.
create or replace function private.begin_human_reply(p_conversation public.conversations, p_actor_id bigint, p_notice jsonb)
returns public.conversations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_hours constant double precision := private.setting('messenger_human_hours')::double precision;
  v_until timestamptz;
  v_conversation public.conversations;
begin
  v_until := case when v_hours > 0 and p_conversation.connection = '' then v_now + make_interval(secs => v_hours * 3600) end;
  v_conversation := private.switch_handler(p_conversation, 'human', v_until);
  if p_conversation.handler = 'bot' then
    perform private.add_conversation_event(v_conversation.id, p_actor_id, 'taken_over');
    perform private.queue_notice(v_conversation.id, p_notice);
  end if;
  perform private.count_reply(p_conversation, p_actor_id);
  update public.conversations as c
     set assignee_id = coalesce(c.assignee_id, p_actor_id), waiting_since = null, status = 'open', snoozed_until = null,
         closed_at = null
   where c.id = v_conversation.id
  returning c.* into v_conversation;
  return v_conversation;
end
$$;

revoke all on function private.begin_human_reply from public, anon, authenticated, service_role;
comment on function private.begin_human_reply is 'Makes a human answer in a conversation';

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

-- Closes a conversation; a message of the user opens it again. The user waits no longer and, with p_question, is asked how it was.
--
-- p_question: text by language; one question a day at most. p_ratings: labels of its five buttons, worst first.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.close_conversation(p_actor_id bigint, p_conversation_id bigint, p_question jsonb default null, p_ratings jsonb default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_now constant timestamptz := private.clock();
  v_asks boolean;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  if v_conversation.status = 'closed' then
    return private.conversation_row(v_conversation, p_actor_id);
  end if;
  v_asks := p_question is not null and v_conversation.unreachable is null
    and coalesce(v_conversation.rating_asked_at < v_now - interval '1 day', true);
  update public.conversations as c
     set status = 'closed', closed_at = v_now, snoozed_until = null, waiting_since = null,
         rating_asked_at = case when v_asks then v_now else c.rating_asked_at end
   where c.id = p_conversation_id;
  perform private.add_conversation_event(p_conversation_id, p_actor_id, 'closed');
  perform private.count_in_messenger(v_conversation.bot, p_actor_id, p_closed => 1);
  if v_asks then
    perform private.queue_notice(p_conversation_id, p_question, (
      select jsonb_agg(jsonb_build_array(jsonb_build_object('text', r.value, 'data', format('rate:%s:%s', p_conversation_id, r.place))))
        from jsonb_array_elements_text(p_ratings) with ordinality as r (value, place)
    ));
  end if;
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.close_conversation from public, anon, authenticated, service_role;
grant execute on function public.close_conversation to bot_backend;
comment on function public.close_conversation is 'Closes a conversation';

-- Returns what changed in conversations since a page asked last, for a member of the staff; of one open conversation the new and
-- changed messages too.
--
-- p_after: the cursor of the answer before. p_conversation_id, p_version: the open conversation, and the last_version up to which
-- the page has its messages.
--
-- Concurrency: exact whatever the order of the commits: a change carries the id of its transaction, and the cursor is the oldest
--   transaction that was still running. A conversation may come twice, unchanged; messages of the open one come once, because
--   versions follow the order of the commits. Rows of a restored database carry ids of the future and are left out until
--   they change.
-- Locks: none.
-- Returns: jsonb
--   cursor: text
--   conversations: [ private.conversation_row ]          (at most 200, the newest)
--   messages: [ private.conversation_message_row ]       (of the open conversation, by version; at most 200)
--   viewers: private.conversation_viewers | null
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
    'viewers', case when p_conversation_id is not null then private.conversation_viewers(p_conversation_id, p_actor_id) end
  );
end
$$;

revoke all on function public.conversation_changes from public, anon, authenticated, service_role;
grant execute on function public.conversation_changes to bot_backend;
comment on function public.conversation_changes is 'Returns what changed in conversations since a page asked last';

-- Returns where the file of a message can be downloaded, for a member of the staff.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     bot: text, kind: text, file_id: text, unique_id: text | null, name: text | null, mime: text | null, size: bigint | null
--   } | null               (no such file)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.conversation_file(p_actor_id bigint, p_message_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return (
    select jsonb_build_object(
        'bot', c.bot, 'kind', m.kind, 'file_id', m.media ->> 'file_id', 'unique_id', m.media ->> 'unique_id',
        'name', m.media ->> 'name', 'mime', m.media ->> 'mime', 'size', (m.media ->> 'size')::bigint
      )
      from public.conversation_messages as m
      join public.conversations as c on c.id = m.conversation_id
     where m.id = p_message_id and m.media ? 'file_id'
  );
end
$$;

revoke all on function public.conversation_file from public, anon, authenticated, service_role;
grant execute on function public.conversation_file to bot_backend;
comment on function public.conversation_file is 'Returns where the file of a message can be downloaded';

-- Returns a message of a conversation as its thread shows it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   seq: bigint
--   version: bigint
--   direction: int         (0: from the user; 1: to the user, and notes)
--   kind: text             (text, photo, video, video_note, voice, audio, document, animation, sticker, location, contact,
--                          poll, other; event: a tap on a button and the like; note: for the team alone)
--   source: 'user' | 'staff' | 'ai' | 'bot' | 'system'
--   author: { id: bigint, name: text } | null    (the member of the team)
--   body: text
--   media: jsonb | null    (file_id, unique_id, name, mime, size, width, height, duration, album; latitude, longitude; phone)
--   buttons: jsonb | null  (rows of labels, or of {text, url})
--   reply_to: bigint | null      (seq of the message that it replies to)
--   status: 'queued' | 'sending' | 'sent' | 'failed' | 'unknown' | 'canceled' | null
--   error: text | null     (blocked, deactivated, or Telegram's words)
--   send_after: timestamptz | null   (when it is to be sent, while it is queued)
--   is_edited: boolean
--   revisions: int
--   deleted_at: timestamptz | null
--   created_at: timestamptz
--   edited_at: timestamptz | null
--   can_edit: boolean      (the team may edit or delete it: its own, at most 48 hours old)
-- Errors: none.
create or replace function private.conversation_message_row(p_message public.conversation_messages)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_message.id,
    'seq', p_message.seq,
    'version', p_message.version,
    'direction', p_message.direction,
    'kind', p_message.kind,
    'source', p_message.source,
    'author', (
      select jsonb_build_object('id', a.id, 'name', concat_ws(' ', nullif(a.first_name, ''), a.last_name))
        from public.users as a
       where a.id = p_message.admin_id
    ),
    'body', p_message.body,
    'media', p_message.media,
    'buttons', p_message.buttons,
    'reply_to', (
      select k.seq
        from public.conversation_messages as k
       where k.conversation_id = p_message.conversation_id and k.telegram_message_id = p_message.reply_to
    ),
    'status', p_message.status,
    'error', p_message.error,
    'send_after', case when p_message.status = 'queued' then p_message.send_after end,
    'is_edited', p_message.edited_at is not null,
    'revisions', case
      when p_message.edited_at is null then 0
      else (select count(*) from public.conversation_message_revisions as r where r.message_id = p_message.id)
    end,
    'deleted_at', p_message.deleted_at,
    'created_at', p_message.created_at,
    'edited_at', p_message.edited_at,
    'can_edit', private.is_message_changeable(p_message)
  );
$$;

revoke all on function private.conversation_message_row from public, anon, authenticated, service_role;
comment on function private.conversation_message_row is 'Returns a message of a conversation as its thread shows it';

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
--   is_answering: boolean  (an answer of the AI is being written)
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
      'is_answering', coalesce(p_conversation.ai_processing_until > private.clock(), false),
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

-- Returns which other members of the staff have a conversation open right now.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { id: bigint, name: text, is_typing: boolean } ]
-- Errors: none.
create or replace function private.conversation_viewers(p_conversation_id bigint, p_actor_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', u.id, 'name', concat_ws(' ', nullif(u.first_name, ''), u.last_name),
          'is_typing', coalesce(p.typing_until > private.clock(), false)
        )
        order by u.id
      ),
      '[]'::jsonb
    )
    from public.conversation_presence as p
    join public.users as u on u.id = p.operator_id
   where p.conversation_id = p_conversation_id and p.operator_id <> p_actor_id and p.seen_until > private.clock();
$$;

revoke all on function private.conversation_viewers from public, anon, authenticated, service_role;
comment on function private.conversation_viewers is 'Returns who has a conversation open right now';

-- Adds to the figures of a day, bot and member of the staff.
--
-- Concurrency: the day's row is locked.
-- Locks: the day's counter.
-- Returns: void
-- Errors: none.
create or replace function private.count_in_messenger(p_bot text, p_operator_id bigint, p_closed integer default 0, p_rating integer default null)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  insert into public.messenger_days as d (day, bot, operator_id, closed, ratings, rating_sum)
  values (
    private.messenger_day(), p_bot, coalesce(p_operator_id, 0), p_closed, (p_rating is not null)::integer, coalesce(p_rating, 0)
  )
  on conflict (day, bot, operator_id) do update
    set closed = d.closed + excluded.closed,
        ratings = d.ratings + excluded.ratings,
        rating_sum = d.rating_sum + excluded.rating_sum;
$$;

revoke all on function private.count_in_messenger from public, anon, authenticated, service_role;
comment on function private.count_in_messenger is 'Adds to the figures of a day';

-- Counts a reply of a member of the staff, and how long the user has waited for it.
--
-- Concurrency: the day's row is locked; each reply is counted once by its sender.
-- Locks: the day's counter.
-- Returns: void
-- Errors: none.
create or replace function private.count_reply(p_conversation public.conversations, p_actor_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_waited bigint;
begin
  v_waited := extract(epoch from private.clock() - p_conversation.waiting_since)::bigint;
  insert into public.messenger_days as d (day, bot, operator_id, replies, answered, waited_seconds, late)
  values (
    private.messenger_day(), p_conversation.bot, p_actor_id, 1, (v_waited is not null)::integer, coalesce(v_waited, 0),
    coalesce(v_waited > private.setting('messenger_late_minutes')::double precision * 60, false)::integer
  )
  on conflict (day, bot, operator_id) do update
    set replies = d.replies + 1,
        answered = d.answered + excluded.answered,
        waited_seconds = d.waited_seconds + excluded.waited_seconds,
        late = d.late + excluded.late;
end
$$;

revoke all on function private.count_reply from public, anon, authenticated, service_role;
comment on function private.count_reply is 'Counts a reply of a member of the staff';

-- Deletes a message of the staff from the user's chat, at most 48 hours old; its text stays here. One that is still queued is
-- canceled at once. For one that was sent, the first call says what to delete at Telegram, and the second one, with p_is_done,
-- records it.
--
-- Concurrency: the conversation is locked. A message that is being sent right now is neither canceled nor deleted.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   outcome: 'call' | 'deleted' | 'canceled' | 'too_late'
--   call?: { bot: text, chat_id: bigint, connection: text, message_id: bigint }    (call)
--   message: private.conversation_message_row
-- Errors: N0009 the user's role does not allow it; I0001 no such message.
create or replace function public.delete_conversation_message(p_actor_id bigint, p_message_id bigint, p_is_done boolean default false)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_conversation public.conversations;
  v_message public.conversation_messages;
begin
  v_conversation := private.lock_messenger_conversation(
    p_actor_id, (select m.conversation_id from public.conversation_messages as m where m.id = p_message_id)
  );
  select m.* into v_message from public.conversation_messages as m where m.id = p_message_id;
  if v_message.source = 'staff' and v_message.status in ('queued', 'failed') then
    update public.conversation_messages as m
       set status = 'canceled', version = private.touch_conversation(m.conversation_id)
     where m.id = p_message_id
    returning m.* into v_message;
    return jsonb_build_object('outcome', 'canceled', 'message', private.conversation_message_row(v_message));
  elsif v_message.deleted_at is not null then
    return jsonb_build_object('outcome', 'deleted', 'message', private.conversation_message_row(v_message));
  elsif not (private.is_message_changeable(v_message) or p_is_done and v_message.status = 'sent') then
    return jsonb_build_object('outcome', 'too_late', 'message', private.conversation_message_row(v_message));
  elsif not p_is_done then
    return jsonb_build_object(
      'outcome', 'call',
      'call', jsonb_build_object(
        'bot', v_conversation.bot,
        'chat_id', (select u.telegram_id from public.users as u where u.id = v_conversation.user_id),
        'connection', v_conversation.connection, 'message_id', v_message.telegram_message_id
      ),
      'message', private.conversation_message_row(v_message)
    );
  end if;
  update public.conversation_messages as m
     set deleted_at = private.clock(), version = private.touch_conversation(m.conversation_id)
   where m.id = p_message_id
  returning m.* into v_message;
  perform private.write_audit(
    v_account, 'delete_message', v_conversation.user_id, null, '{}',
    jsonb_build_object('conversation_id', v_conversation.id, 'seq', v_message.seq)
  );
  return jsonb_build_object('outcome', 'deleted', 'message', private.conversation_message_row(v_message));
end
$$;

revoke all on function public.delete_conversation_message from public, anon, authenticated, service_role;
grant execute on function public.delete_conversation_message to bot_backend;
comment on function public.delete_conversation_message is 'Deletes a message of the staff from the user''s chat';

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
  end if;
  return jsonb_build_object('outcome', 'edited', 'message', private.conversation_message_row(v_message));
end
$$;

revoke all on function public.edit_conversation_message from public, anon, authenticated, service_role;
grant execute on function public.edit_conversation_message to bot_backend;
comment on function public.edit_conversation_message is 'Edits a message of the staff';

-- Makes messages unknown whose sender died: their lease ran out, and they may have arrived or not. Files that only a page had
-- fail after ten minutes in the queue, and answers of the bot whose outbox item is gone after a day.
--
-- Concurrency: conversations that are locked at the moment are left to the next run.
-- Locks: conversations (FOR UPDATE SKIP LOCKED), one after another.
-- Returns: jsonb
--   unknown: int
--   failed: int
-- Errors: none.
create or replace function public.expire_conversation_deliveries(p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_candidate record;
  v_status text;
  v_unknown integer := 0;
  v_failed integer := 0;
begin
  for v_candidate in
    (
      select m.id, m.conversation_id
        from public.conversation_messages as m
       where m.status = 'sending' and m.lease_until < v_now
       limit p_limit
    )
    union all
    (
      select m.id, m.conversation_id
        from public.conversation_messages as m
       where m.status = 'queued' and m.outbox_id is null and m.send_after < v_now - interval '10 minutes' and m.media ? 'upload'
       limit p_limit
    )
    union all
    (
      select m.id, m.conversation_id
        from public.conversation_messages as m
       where m.outbox_id is not null and not exists (select from public.telegram_outbox as o where o.id = m.outbox_id)
       limit p_limit
    )
  loop
    perform from public.conversations as c where c.id = v_candidate.conversation_id for update skip locked;
    continue when not found;
    update public.conversation_messages as m
       set status = case m.status when 'sending' then 'unknown' else 'failed' end,
           error = case when m.status = 'sending' then m.error when m.outbox_id is not null then 'expired' else 'upload_lost' end,
           outbox_id = null,
           lease_until = null,
           version = private.touch_conversation(m.conversation_id)
     where m.id = v_candidate.id
       and (
         m.status = 'sending' and m.lease_until < v_now
         or m.status = 'queued' and (m.media ? 'upload' or m.outbox_id is not null)
       )
    returning m.status into v_status;
    v_unknown := v_unknown + (v_status is not distinct from 'unknown')::integer;
    v_failed := v_failed + (v_status is not distinct from 'failed')::integer;
  end loop;
  return jsonb_build_object('unknown', v_unknown, 'failed', v_failed);
end
$$;

revoke all on function public.expire_conversation_deliveries from public, anon, authenticated, service_role;
grant execute on function public.expire_conversation_deliveries to bot_backend;
comment on function public.expire_conversation_deliveries is 'Makes messages unknown whose sender died';

-- Lists conversations for a member of the staff, newest message first (with sort waiting: those who wait longest first), page by
-- page.
--
-- p_filters: status (open, the default; closed, snoozed, all), unread, waiting, assignee (users.id, or mine, none), label, bot,
-- ready ([lowest, highest] score), sort. p_query: a part of the name, @username, Telegram id, number of an order, or words of a
-- message; with it, every status counts unless one is given. p_cursor: next of the page before.
--
-- Concurrency: read-only. A page begins behind the last row of the page before, so new messages shift nothing.
-- Locks: none.
-- Returns: jsonb
--   conversations: [ private.conversation_row ]
--   next: jsonb | null
--   cursor: text           (of conversation_changes: what changes from now on)
--   warn_minutes: int      (after which one who waits is shown in yellow)
--   late_minutes: int      (in red)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.find_conversations(p_actor_id bigint,
  p_filters jsonb default '{}',
  p_query text default null,
  p_cursor jsonb default null,
  p_limit integer default 40)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_limit constant integer := least(greatest(p_limit, 1), 100);
  v_is_waiting constant boolean := coalesce((p_filters ->> 'waiting')::boolean, false);
  v_is_unread constant boolean := coalesce((p_filters ->> 'unread')::boolean, false);
  v_ids bigint[];
  v_found bigint[];
  v_times timestamptz[];
  v_at timestamptz;
  v_id bigint;
begin
  perform private.require_staff(p_actor_id, 'operator');
  if p_query ~ '\S' then
    v_ids := private.search_conversations(p_query);
  end if;
  if p_filters ->> 'sort' = 'waiting' then
    v_at := coalesce((p_cursor ->> 0)::timestamptz, '-infinity');
    v_id := coalesce((p_cursor ->> 1)::bigint, 0);
    select array_agg(f.id order by f.place), array_agg(f.at order by f.place)
      into v_found, v_times
      from (
        select c.id, c.waiting_since as at, row_number() over (order by c.waiting_since, c.id) as place
          from public.conversations as c
          left join public.conversation_reads as r on r.conversation_id = c.id and r.operator_id = p_actor_id
         where c.waiting_since is not null and (c.waiting_since, c.id) > (v_at, v_id)
           and (v_ids is null or c.id = any (v_ids))
           and case coalesce(p_filters ->> 'status', case when v_ids is null then 'open' else 'all' end)
             when 'open' then c.status = 'open' and coalesce(c.snoozed_until <= v_now, true)
             when 'closed' then c.status = 'closed'
             when 'snoozed' then c.snoozed_until > v_now
             else true
           end
           and (not v_is_waiting or c.waiting_since is not null)
           and (p_filters ->> 'bot' is null or c.bot = p_filters ->> 'bot')
           and case p_filters ->> 'assignee'
             when 'mine' then c.assignee_id = p_actor_id
             when 'none' then c.assignee_id is null
             else p_filters ->> 'assignee' is null or c.assignee_id = (p_filters ->> 'assignee')::bigint
           end
           and (p_filters ->> 'ready' is null or c.ai_ready_score between (p_filters -> 'ready' ->> 0)::integer and (p_filters -> 'ready' ->> 1)::integer)
           and (p_filters ->> 'label' is null or exists (
             select
               from public.conversation_labels as k
              where k.conversation_id = c.id and k.label_id = (p_filters ->> 'label')::bigint
           ))
           and (not v_is_unread or c.last_in_seq > coalesce(r.read_seq, 0) or coalesce(r.is_marked_unread, false))
         order by c.waiting_since, c.id
         limit v_limit + 1
      ) as f;
  else
    v_at := coalesce((p_cursor ->> 0)::timestamptz, 'infinity');
    v_id := coalesce((p_cursor ->> 1)::bigint, 0);
    select array_agg(f.id order by f.place), array_agg(f.at order by f.place)
      into v_found, v_times
      from (
        select c.id, c.last_message_at as at, row_number() over (order by c.last_message_at desc, c.id desc) as place
          from public.conversations as c
          left join public.conversation_reads as r on r.conversation_id = c.id and r.operator_id = p_actor_id
         where (c.last_message_at, c.id) < (v_at, v_id)
           and (v_ids is null or c.id = any (v_ids))
           and case coalesce(p_filters ->> 'status', case when v_ids is null then 'open' else 'all' end)
             when 'open' then c.status = 'open' and coalesce(c.snoozed_until <= v_now, true)
             when 'closed' then c.status = 'closed'
             when 'snoozed' then c.snoozed_until > v_now
             else true
           end
           and (not v_is_waiting or c.waiting_since is not null)
           and (p_filters ->> 'bot' is null or c.bot = p_filters ->> 'bot')
           and case p_filters ->> 'assignee'
             when 'mine' then c.assignee_id = p_actor_id
             when 'none' then c.assignee_id is null
             else p_filters ->> 'assignee' is null or c.assignee_id = (p_filters ->> 'assignee')::bigint
           end
           and (p_filters ->> 'ready' is null or c.ai_ready_score between (p_filters -> 'ready' ->> 0)::integer and (p_filters -> 'ready' ->> 1)::integer)
           and (p_filters ->> 'label' is null or exists (
             select
               from public.conversation_labels as k
              where k.conversation_id = c.id and k.label_id = (p_filters ->> 'label')::bigint
           ))
           and (not v_is_unread or c.last_in_seq > coalesce(r.read_seq, 0) or coalesce(r.is_marked_unread, false))
         order by c.last_message_at desc, c.id desc
         limit v_limit + 1
      ) as f;
  end if;
  return jsonb_build_object(
    'conversations', (
      select coalesce(jsonb_agg(private.conversation_row(c, p_actor_id) order by f.place), '[]'::jsonb)
        from unnest(v_found[:v_limit]) with ordinality as f (id, place)
        join public.conversations as c on c.id = f.id
    ),
    'next', case when cardinality(v_found) > v_limit then jsonb_build_array(v_times[v_limit], v_found[v_limit]) end,
    'cursor', pg_snapshot_xmin(pg_current_snapshot())::text,
    'warn_minutes', private.setting('messenger_warn_minutes')::integer,
    'late_minutes', private.setting('messenger_late_minutes')::integer
  );
end
$$;

revoke all on function public.find_conversations from public, anon, authenticated, service_role;
grant execute on function public.find_conversations to bot_backend;
comment on function public.find_conversations is 'Lists conversations for a member of the staff';

-- Gives a conversation a label, or takes it away.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.label_conversation(p_actor_id bigint, p_conversation_id bigint, p_label_id bigint, p_is_on boolean)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  if p_is_on then
    insert into public.conversation_labels (conversation_id, label_id)
    select p_conversation_id, l.id from public.messenger_labels as l where l.id = p_label_id
    on conflict (conversation_id, label_id) do nothing;
  else
    delete from public.conversation_labels as k where k.conversation_id = p_conversation_id and k.label_id = p_label_id;
  end if;
  perform private.touch_conversation(p_conversation_id);
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.label_conversation from public, anon, authenticated, service_role;
grant execute on function public.label_conversation to bot_backend;
comment on function public.label_conversation is 'Gives a conversation a label, or takes it away';

-- Returns the canned replies, most used first, for a member of the staff.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint, shortcut: text, texts: { [text]: text }, labels: [ bigint ], takes_over: boolean, closes: boolean,
--     used_count: int
--   } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.list_canned_replies(p_actor_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', r.id, 'shortcut', r.shortcut, 'texts', r.texts, 'labels', to_jsonb(r.labels), 'takes_over', r.takes_over,
            'closes', r.closes, 'used_count', r.used_count
          )
          order by r.used_count desc, r.shortcut
        ),
        '[]'::jsonb
      )
      from public.canned_replies as r
  );
end
$$;

revoke all on function public.list_canned_replies from public, anon, authenticated, service_role;
grant execute on function public.list_canned_replies to bot_backend;
comment on function public.list_canned_replies is 'Returns the canned replies';

-- Returns the labels for conversations, by name, for a member of the staff.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { id: bigint, name: text, color: text, conversations: int } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.list_messenger_labels(p_actor_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', l.id, 'name', l.name, 'color', l.color,
            'conversations', (select count(*) from public.conversation_labels as k where k.label_id = l.id)
          )
          order by lower(l.name)
        ),
        '[]'::jsonb
      )
      from public.messenger_labels as l
  );
end
$$;

revoke all on function public.list_messenger_labels from public, anon, authenticated, service_role;
grant execute on function public.list_messenger_labels to bot_backend;
comment on function public.list_messenger_labels is 'Returns the labels for conversations';

-- Returns the members of the staff to whom conversations can be assigned, for one of them.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { id: bigint, name: text, role: text, assigned: int } ]     (assigned: open conversations)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.list_operators(p_actor_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object(
            'id', u.id, 'name', concat_ws(' ', nullif(u.first_name, ''), u.last_name), 'role', private.staff_role(u.id),
            'assigned', (
              select count(*) from public.conversations as c where c.assignee_id = u.id and c.status = 'open'
            )
          )
          order by u.first_name, u.id
        ),
        '[]'::jsonb
      )
      from public.users as u
     where (
         u.id in (select s.user_id from public.staff as s)
         or u.telegram_id in (select a.telegram_id from public.admins as a)
       )
       and private.role_includes(private.staff_role(u.id), 'operator')
  );
end
$$;

revoke all on function public.list_operators from public, anon, authenticated, service_role;
grant execute on function public.list_operators to bot_backend;
comment on function public.list_operators is 'Returns the members of the staff to whom conversations can be assigned';

-- Checks that a member of the staff may act in conversations, and locks one for a change.
--
-- Concurrency: whatever happens in the conversation at the same time comes before or after the caller's transaction.
-- Locks: users (KEY SHARE), by id, then the conversation: an erasure locks its user first, too.
-- Returns: public.conversations, the row.
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function private.lock_messenger_conversation(p_actor_id bigint, p_conversation_id bigint)
returns public.conversations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  perform private.require_staff(p_actor_id, 'operator');
  perform
    from public.users as u
   where u.id in (p_actor_id, (select c.user_id from public.conversations as c where c.id = p_conversation_id))
   order by u.id
     for key share;
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation_id for update;
  if not found then
    raise exception 'no such conversation' using errcode = 'I0001';
  end if;
  return v_conversation;
end
$$;

revoke all on function private.lock_messenger_conversation from public, anon, authenticated, service_role;
comment on function private.lock_messenger_conversation is 'Locks a conversation for a change by a member of the staff';

-- Marks a conversation as read by a member of the staff, up to a message.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.mark_conversation_read(p_actor_id bigint, p_conversation_id bigint, p_seq bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  perform private.mark_read_until(v_conversation, p_actor_id, p_seq);
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.mark_conversation_read from public, anon, authenticated, service_role;
grant execute on function public.mark_conversation_read to bot_backend;
comment on function public.mark_conversation_read is 'Marks a conversation as read by a member of the staff';

-- Marks a conversation as unread for a member of the staff, until they open it again.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.mark_conversation_unread(p_actor_id bigint, p_conversation_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  insert into public.conversation_reads as r (conversation_id, operator_id, read_seq, is_marked_unread)
  values (p_conversation_id, p_actor_id, 0, true)
  on conflict (conversation_id, operator_id) do update set is_marked_unread = true;
  perform private.touch_conversation(p_conversation_id);
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.mark_conversation_unread from public, anon, authenticated, service_role;
grant execute on function public.mark_conversation_unread to bot_backend;
comment on function public.mark_conversation_unread is 'Marks a conversation as unread for a member of the staff';

-- Marks messages of the user as read by a member of the team, up to a number.
--
-- Concurrency: the caller holds the conversation's row, so no message is counted twice.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.mark_read_until(p_conversation public.conversations, p_actor_id bigint, p_seq bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_read integer;
begin
  insert into public.conversation_reads as r (conversation_id, operator_id, read_seq)
  values (p_conversation.id, p_actor_id, least(p_seq, p_conversation.last_seq))
  on conflict (conversation_id, operator_id) do update
    set read_seq = greatest(r.read_seq, excluded.read_seq), is_marked_unread = false;
  update public.conversation_messages as m
     set read = true
   where m.conversation_id = p_conversation.id and m.direction = 0 and not m.read and m.seq <= p_seq;
  get diagnostics v_read = row_count;
  update public.conversations as c
     set unread_count = c.unread_count - v_read, changed_xid = pg_current_xact_id()
   where c.id = p_conversation.id and v_read > 0;
end
$$;

revoke all on function private.mark_read_until from public, anon, authenticated, service_role;
comment on function private.mark_read_until is 'Marks messages of the user as read by a member of the team';

-- Returns the earlier texts of an edited message of a conversation, oldest first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { body: text, media: jsonb | null, replaced_at: timestamptz } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.message_revisions(p_actor_id bigint, p_message_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return (
    select coalesce(
        jsonb_agg(jsonb_build_object('body', r.body, 'media', r.media, 'replaced_at', r.replaced_at) order by r.id), '[]'::jsonb
      )
      from public.conversation_message_revisions as r
     where r.message_id = p_message_id
  );
end
$$;

revoke all on function public.message_revisions from public, anon, authenticated, service_role;
grant execute on function public.message_revisions to bot_backend;
comment on function public.message_revisions is 'Returns the earlier texts of an edited message';

-- Returns what the team did in conversations in the last days, per member and bot, for a member of the staff, and how it stands
-- now.
--
-- Concurrency: read-only, over counters.
-- Locks: none.
-- Returns: jsonb
--   open: int
--   waiting: int
--   late: int              (wait longer than the setting messenger_late_minutes)
--   unassigned: int        (open ones)
--   days: [ {
--     day: date, bot: text, operator: { id: bigint, name: text } | null, replies: int, answered: int,
--     waited_seconds: bigint, late: int, closed: int, ratings: int, rating_sum: int
--   } ]
-- Errors: N0009 the user's role does not allow it.
create or replace function public.messenger_figures(p_actor_id bigint, p_days integer default 30)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  return jsonb_build_object(
    'open', (select count(*) from public.conversations as c where c.status = 'open'),
    'waiting', (select count(*) from public.conversations as c where c.waiting_since is not null),
    'late', (
      select count(*)
        from public.conversations as c
       where c.waiting_since < private.clock() - make_interval(mins => private.setting('messenger_late_minutes')::integer)
    ),
    'unassigned', (
      select count(*) from public.conversations as c where c.status = 'open' and c.assignee_id is null
    ),
    'days', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'day', d.day, 'bot', d.bot, 'operator', case when u.id is not null then jsonb_build_object(
                'id', u.id, 'name', concat_ws(' ', nullif(u.first_name, ''), u.last_name)
              ) end,
              'replies', d.replies, 'answered', d.answered, 'waited_seconds', d.waited_seconds, 'late', d.late,
              'closed', d.closed, 'ratings', d.ratings, 'rating_sum', d.rating_sum
            )
            order by d.day desc, d.bot, d.operator_id
          ),
          '[]'::jsonb
        )
        from public.messenger_days as d
        left join public.users as u on u.id = d.operator_id
       where d.day > private.messenger_day() - least(greatest(p_days, 1), 366)
    )
  );
end
$$;

revoke all on function public.messenger_figures from public, anon, authenticated, service_role;
grant execute on function public.messenger_figures to bot_backend;
comment on function public.messenger_figures is 'Returns what the team did in conversations in the last days';

-- Takes the next numbers of a conversation for a message that the team adds.
--
-- Concurrency: the caller holds the conversation's row.
-- Locks: none.
-- Returns: public.conversations, the changed row: last_seq and last_version are the message's.
-- Errors: none.
create or replace function private.next_message_number(p_conversation_id bigint)
returns public.conversations
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.conversations as c
     set last_seq = c.last_seq + 1, last_version = c.last_version + 1, changed_xid = pg_current_xact_id()
   where c.id = p_conversation_id
  returning c.*;
$$;

revoke all on function private.next_message_number from public, anon, authenticated, service_role;
comment on function private.next_message_number is 'Takes the next numbers of a conversation for a message';

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
    -- In a chat with the owner's own account, the bot never answers.
    insert into public.conversations as c (user_id, bot, connection, handler)
    values (p_user_id, p_bot, p_connection, case p_connection when '' then 'bot' else 'human' end)
    on conflict (user_id, bot, connection) do update set connection = excluded.connection
    returning c.* into v_conversation;
  end if;
  return v_conversation;
end
$$;

revoke all on function private.open_messenger_conversation from public, anon, authenticated, service_role;
comment on function private.open_messenger_conversation is 'Finds or creates the conversation of a user with a bot';

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

-- Records the user's answer to the question after closing (close_conversation); the first answer counts.
--
-- Concurrency: the conversation is locked; a second tap changes nothing.
-- Locks: user (KEY SHARE), conversation, the day's counter.
-- Returns: jsonb
--   outcome: 'rated' | 'late'    (late: answered before, more than a week old, or not this user's)
-- Errors: none.
create or replace function public.rate_conversation(p_user_id bigint, p_conversation_id bigint, p_rating integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  select c.* into v_conversation
    from public.conversations as c
   where c.id = p_conversation_id and c.user_id = p_user_id
     for update;
  if not found or p_rating not between 1 and 5
    or coalesce(v_conversation.rated_at >= v_conversation.rating_asked_at, false)
    or coalesce(v_conversation.rating_asked_at < private.clock() - interval '7 days', true)
  then
    return '{"outcome": "late"}'::jsonb;
  end if;
  update public.conversations as c set rating = p_rating, rated_at = private.clock() where c.id = p_conversation_id;
  perform private.add_conversation_event(p_conversation_id, null, 'rated', jsonb_build_object('rating', p_rating));
  perform private.count_in_messenger(v_conversation.bot, v_conversation.assignee_id, p_rating => p_rating);
  return '{"outcome": "rated"}'::jsonb;
end
$$;

revoke all on function public.rate_conversation from public, anon, authenticated, service_role;
grant execute on function public.rate_conversation to bot_backend;
comment on function public.rate_conversation is 'Records the user''s answer to the question after closing';

-- Returns a page of a conversation's thread for a member of the staff: the newest messages, those before a number (p_before), or
-- those after one (p_after). The audit log notes once an hour who read which conversation.
--
-- Concurrency: the thread is read from one snapshot; a page is cut by numbers, so new messages shift nothing.
-- Locks: none but the new row of the audit log.
-- Returns: jsonb
--   conversation: private.conversation_row
--   messages: [ private.conversation_message_row ]       (oldest first)
--   has_earlier: boolean
--   has_later: boolean
--   read_seq: bigint       (up to which this member has read)
--   draft: text | null
--   viewers: private.conversation_viewers
--   cursor: text           (of conversation_changes)
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.read_conversation(p_actor_id bigint,
  p_conversation_id bigint,
  p_before bigint default null,
  p_after bigint default null,
  p_limit integer default 50)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account constant text := private.require_staff(p_actor_id, 'operator');
  v_limit constant integer := least(greatest(p_limit, 1), 200);
  v_conversation public.conversations;
  v_messages bigint[];
  v_first bigint;
  v_last bigint;
begin
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation_id;
  if not found then
    raise exception 'no such conversation' using errcode = 'I0001';
  end if;
  perform private.audit_reading(
    v_account, 'read_conversation', p_conversation_id::text, v_conversation.user_id,
    jsonb_build_object('conversation_id', p_conversation_id)
  );
  v_messages := array(
    select m.seq
      from public.conversation_messages as m
     where m.conversation_id = p_conversation_id and m.seq > coalesce(p_after, 0)
       and m.seq < coalesce(p_before, 9223372036854775807)
     order by case when p_after is null then -m.seq else m.seq end
     limit v_limit
  );
  select min(s.seq), max(s.seq) into v_first, v_last from unnest(v_messages) as s (seq);
  return jsonb_build_object(
    'conversation', private.conversation_row(v_conversation, p_actor_id),
    'messages', (
      select coalesce(jsonb_agg(private.conversation_message_row(m) order by m.seq), '[]'::jsonb)
        from public.conversation_messages as m
       where m.conversation_id = p_conversation_id and m.seq between v_first and v_last
    ),
    'has_earlier', exists (
      select
        from public.conversation_messages as m
       where m.conversation_id = p_conversation_id and m.seq < coalesce(v_first, p_before, 0)
    ),
    'has_later', exists (
      select
        from public.conversation_messages as m
       where m.conversation_id = p_conversation_id and m.seq > coalesce(v_last, p_after, 9223372036854775807)
    ),
    'read_seq', coalesce((
      select r.read_seq
        from public.conversation_reads as r
       where r.conversation_id = p_conversation_id and r.operator_id = p_actor_id
    ), 0),
    'draft', (
      select d.body
        from public.conversation_drafts as d
       where d.conversation_id = p_conversation_id and d.operator_id = p_actor_id
    ),
    'viewers', private.conversation_viewers(p_conversation_id, p_actor_id),
    'cursor', pg_snapshot_xmin(pg_current_snapshot())::text
  );
end
$$;

revoke all on function public.read_conversation from public, anon, authenticated, service_role;
grant execute on function public.read_conversation to bot_backend;
comment on function public.read_conversation is 'Returns a page of a conversation''s thread';

-- Returns what a member of the staff sees of the user beside a conversation: plan, balance, usage, purchases, XP, courses, and the
-- notes of the team.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   user: {
--     id: bigint, telegram_id: bigint, name: text, username: text | null, language: text, created_at: timestamptz,
--     last_activity: timestamptz, is_active: boolean, is_admin: boolean, banned_at: timestamptz | null,
--     ban_reason: text | null
--   }
--   plan: text
--   plan_ends_at: timestamptz | null
--   requests: int
--   daily_requests: int | null
--   month_requests: int
--   monthly_requests: int | null
--   bonus_credits: int
--   balance: numeric
--   currency: text
--   money: private.user_payment_totals
--   level: int
--   total_xp: bigint
--   referrals: int
--   orders: [ {
--     id: bigint, product: text, titles: { [text]: text }, status: text, amount: numeric, currency: text,
--     created_at: timestamptz, completed_at: timestamptz | null
--   } ]                    (the newest ten)
--   courses: [ {
--     slug: text, titles: { [text]: text }, completed_lessons: int, lessons: int, last_active_at: timestamptz,
--     completed_at: timestamptz | null
--   } ]
--   notes: [ private.conversation_message_row ]       (the newest twenty)
--   other_conversations: [ { id: bigint, bot: text, last_message_at: timestamptz } ]
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.read_conversation_card(p_actor_id bigint, p_conversation_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_quota record;
begin
  perform private.require_staff(p_actor_id, 'operator');
  select u.* into v_user
    from public.conversations as c
    join public.users as u on u.id = c.user_id
   where c.id = p_conversation_id;
  if not found then
    raise exception 'no such conversation' using errcode = 'I0001';
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);
  return jsonb_build_object(
    'user', jsonb_build_object(
      'id', v_user.id, 'telegram_id', v_user.telegram_id,
      'name', concat_ws(' ', nullif(v_user.first_name, ''), v_user.last_name), 'username', v_user.username,
      'language', coalesce(v_user.language, v_user.language_code), 'created_at', v_user.created_at,
      'last_activity', v_user.last_activity, 'is_active', v_user.is_active, 'is_admin', v_user.is_admin,
      'banned_at', v_user.banned_at, 'ban_reason', v_user.ban_reason
    ),
    'plan', v_quota.plan,
    'plan_ends_at', private.plan_of(v_user.id) -> 'ends_at',
    'requests', v_quota.requests,
    'daily_requests', v_quota.daily_requests,
    'month_requests', v_quota.month_requests,
    'monthly_requests', v_quota.monthly_requests,
    'bonus_credits', v_user.bonus_credits,
    'balance', v_user.balance::text,
    'currency', private.setting('balance_currency'),
    'money', private.user_payment_totals(v_user.id),
    'level', v_user.level,
    'total_xp', v_user.total_xp,
    'referrals', v_user.total_referrals,
    'orders', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'id', o.id, 'product', o.product_key, 'titles', private.text_titles(p.texts), 'status', o.status,
              'amount', o.amount::text, 'currency', o.currency, 'created_at', o.created_at, 'completed_at', o.completed_at
            )
            order by o.id desc
          ),
          '[]'::jsonb
        )
        from (
          select n.* from public.orders as n where n.user_id = v_user.id order by n.id desc limit 10
        ) as o
        join public.products as p on p.key = o.product_key
    ),
    'courses', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'slug', c.slug, 'titles', private.text_titles(c.texts),
              'completed_lessons', (
                select count(*)
                  from public.lesson_progress as l
                  join public.lessons as s on s.id = l.lesson_id
                 where l.user_id = v_user.id and s.course_id = c.id and l.completed
              ),
              'lessons', (select count(*) from public.lessons as s where s.course_id = c.id),
              'last_active_at', g.last_active_at, 'completed_at', g.completed_at
            )
            order by g.last_active_at desc
          ),
          '[]'::jsonb
        )
        from public.course_progress as g
        join public.courses as c on c.id = g.course_id
       where g.user_id = v_user.id
    ),
    'notes', (
      select coalesce(jsonb_agg(private.conversation_message_row(n.m) order by (n.m).created_at desc), '[]'::jsonb)
        from (
          select m
            from public.conversation_messages as m
           where m.conversation_id = p_conversation_id and m.kind = 'note'
           order by m.seq desc
           limit 20
        ) as n
    ),
    'other_conversations', (
      select coalesce(
          jsonb_agg(jsonb_build_object('id', c.id, 'bot', c.bot, 'last_message_at', c.last_message_at) order by c.id), '[]'::jsonb
        )
        from public.conversations as c
       where c.user_id = v_user.id and c.id <> p_conversation_id
    )
  );
end
$$;

revoke all on function public.read_conversation_card from public, anon, authenticated, service_role;
grant execute on function public.read_conversation_card to bot_backend;
comment on function public.read_conversation_card is 'Returns what a member of the staff sees of the user beside a conversation';

-- Writes a message of a chat between a customer and the owner's own account (business_message) into a conversation, with the
-- customer as its user. The customer's row is created like that of any update, without a session.
--
-- p_connection: business_connection_id. p_telegram_user: the customer, as for receive_update. p_is_own: the owner's account wrote
-- it. p_message: as for private.record_incoming_message.
--
-- Concurrency: the conversation is locked; a message that it has already, such as one that the team sent, is not written again.
-- Locks: as private.upsert_user and private.open_messenger_conversation.
-- Returns: jsonb
--   outcome: 'recorded' | 'banned'
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.record_business_message(p_bot text, p_connection text, p_telegram_user jsonb, p_is_own boolean, p_message jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_conversation public.conversations;
  v_message public.conversation_messages;
begin
  v_user := private.upsert_user(p_telegram_user, private.clock());
  if v_user.banned_at is not null then
    return '{"outcome": "banned"}'::jsonb;
  elsif not p_is_own then
    perform private.record_incoming_message(v_user.id, p_bot, p_message, p_connection);
    return '{"outcome": "recorded"}'::jsonb;
  end if;
  v_conversation := private.open_messenger_conversation(v_user.id, p_bot, p_connection);
  select m.* into v_message
    from public.conversation_messages as m
   where m.conversation_id = v_conversation.id and m.telegram_message_id = (p_message ->> 'message_id')::bigint;
  if v_message.id is null then
    v_conversation := private.next_message_number(v_conversation.id);
    insert into public.conversation_messages (
      conversation_id, body, direction, kind, source, seq, version, telegram_message_id, reply_to, media, read, status
    )
    values (
      v_conversation.id, p_message ->> 'body', 1, p_message ->> 'kind', 'staff', v_conversation.last_seq,
      v_conversation.last_version, (p_message ->> 'message_id')::bigint, (p_message ->> 'reply_to')::bigint,
      p_message -> 'media', true, 'sent'
    );
    update public.conversations as c
       set waiting_since = null, last_message_at = private.clock(),
           preview = private.message_preview(p_message ->> 'kind', p_message ->> 'body')
     where c.id = v_conversation.id;
  elsif p_message ? 'is_edit' and v_message.body <> p_message ->> 'body' then
    perform private.revise_message(
      v_message, private.touch_conversation(v_conversation.id), p_message ->> 'body', p_message -> 'media'
    );
  end if;
  return '{"outcome": "recorded"}'::jsonb;
end
$$;

revoke all on function public.record_business_message from public, anon, authenticated, service_role;
grant execute on function public.record_business_message to bot_backend;
comment on function public.record_business_message is 'Writes a message of a chat with the owner''s own account';

-- Records how the delivery of a claimed message ended.
--
-- p_outcome: sent; failed (p_error: blocked, deactivated, or Telegram's words); later (queued again, after p_retry_after seconds:
-- Telegram took it for certain not); unknown (Telegram's answer was lost: it may have arrived). p_media: the file of a sent
-- message, with Telegram's ids.
--
-- Concurrency: only the holder of p_lease records; also after the lease ran out, unless the message was queued again since.
-- Locks: user (KEY SHARE; NO KEY UPDATE for one who blocked the bot), conversation.
-- Returns: jsonb
--   outcome: 'recorded' | 'superseded'
-- Errors: none.
create or replace function public.record_conversation_delivery(p_message_id bigint,
  p_lease uuid,
  p_outcome text,
  p_telegram_message_id bigint default null,
  p_error text default null,
  p_retry_after double precision default 0,
  p_media jsonb default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_chat record;
  v_conversation public.conversations;
  v_message public.conversation_messages;
begin
  select u.telegram_id, c.bot, c.id, c.user_id into v_chat
    from public.conversation_messages as m
    join public.conversations as c on c.id = m.conversation_id
    join public.users as u on u.id = c.user_id
   where m.id = p_message_id;
  if not found then
    return '{"outcome": "superseded"}'::jsonb;
  end if;
  if p_outcome = 'failed' and p_error in ('blocked', 'deactivated') then
    perform private.set_blocked(v_chat.telegram_id, v_chat.bot, true);
  else
    perform from public.users as u where u.id = v_chat.user_id for key share;
  end if;
  select c.* into v_conversation from public.conversations as c where c.id = v_chat.id for update;
  select m.* into v_message from public.conversation_messages as m where m.id = p_message_id;
  if v_message.lease is distinct from p_lease or v_message.status not in ('sending', 'unknown') then
    return '{"outcome": "superseded"}'::jsonb;
  end if;
  update public.conversation_messages as m
     set status = case p_outcome when 'later' then 'queued' else p_outcome end,
         error = case p_outcome when 'sent' then null when 'later' then coalesce(left(p_error, 500), 'later') else left(p_error, 500) end,
         send_after = case p_outcome when 'later' then private.clock() + make_interval(secs => p_retry_after) else m.send_after end,
         telegram_message_id = coalesce(p_telegram_message_id, m.telegram_message_id),
         media = coalesce(m.media || p_media, p_media, m.media) - case when p_outcome = 'sent' then 'upload' else '' end,
         lease = case p_outcome when 'unknown' then m.lease end,
         lease_until = null,
         version = private.touch_conversation(m.conversation_id)
   where m.id = p_message_id;
  update public.conversations as c
     set unreachable = case when p_outcome = 'sent' then null when p_error in ('blocked', 'deactivated') then p_error else c.unreachable end,
         waiting_since = case
           when p_outcome in ('failed', 'unknown') and v_message.source = 'staff' and not exists (
             select
               from public.conversation_messages as m
              where m.conversation_id = c.id and m.seq > c.last_in_seq and m.direction = 1 and m.status in ('sent', 'queued', 'sending')
                and m.source = 'staff'
           ) then coalesce(c.waiting_since, (
             select m.created_at
               from public.conversation_messages as m
              where m.conversation_id = c.id and m.seq = c.last_in_seq
           ))
           else c.waiting_since
         end
   where c.id = v_conversation.id and p_outcome <> 'later';
  return '{"outcome": "recorded"}'::jsonb;
end
$$;

revoke all on function public.record_conversation_delivery from public, anon, authenticated, service_role;
grant execute on function public.record_conversation_delivery to bot_backend;
comment on function public.record_conversation_delivery is 'Records how the delivery of a claimed message ended';

-- Opens a closed conversation again.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.reopen_conversation(p_actor_id bigint, p_conversation_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  if v_conversation.status = 'closed' then
    update public.conversations as c set status = 'open', closed_at = null where c.id = p_conversation_id;
    perform private.add_conversation_event(p_conversation_id, p_actor_id, 'reopened');
  end if;
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.reopen_conversation from public, anon, authenticated, service_role;
grant execute on function public.reopen_conversation to bot_backend;
comment on function public.reopen_conversation is 'Opens a closed conversation again';

-- Lets a human answer in a conversation because the user asked for one, or the bot again.
--
-- Concurrency: the caller holds the conversation's row. A repeated call changes nothing.
-- Locks: as private.switch_handler.
-- Returns: public.conversations, the row as it is then.
-- Errors: none.
create or replace function private.request_human(p_conversation public.conversations, p_handler text)
returns public.conversations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_hours constant double precision := private.setting('messenger_human_hours')::double precision;
  v_conversation public.conversations;
begin
  if p_handler = 'human' then
    if p_conversation.handler = 'bot' then
      perform private.switch_handler(
        p_conversation, 'human', case when v_hours > 0 then v_now + make_interval(secs => v_hours * 3600) end
      );
      perform private.add_conversation_event(p_conversation.id, null, 'requested');
    end if;
    update public.conversations as c
       set waiting_since = coalesce(c.waiting_since, v_now), status = 'open', snoozed_until = null, closed_at = null
     where c.id = p_conversation.id;
  elsif p_conversation.handler = 'human' then
    perform private.switch_handler(p_conversation, 'bot', null);
    perform private.add_conversation_event(p_conversation.id, null, 'left_to_bot');
  end if;
  select c.* into v_conversation from public.conversations as c where c.id = p_conversation.id;
  return v_conversation;
end
$$;

revoke all on function private.request_human from public, anon, authenticated, service_role;
comment on function private.request_human is 'Lets a human answer because the user asked for one';

-- Queues a message of the staff again that failed, whose outcome is unknown, or that was canceled: only a member decides that.
--
-- Concurrency: the conversation is locked; of two calls at once the second finds it queued and changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_message_row
-- Errors: N0009 the user's role does not allow it; I0001 no such message; I0002 it cannot be sent again.
create or replace function public.retry_conversation_message(p_actor_id bigint, p_message_id bigint)
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
  v_conversation := private.lock_messenger_conversation(
    p_actor_id, (select m.conversation_id from public.conversation_messages as m where m.id = p_message_id)
  );
  select m.* into v_message from public.conversation_messages as m where m.id = p_message_id;
  if v_message.source not in ('staff', 'system') or v_message.media ? 'upload' or v_message.kind in ('note', 'event') then
    raise exception 'the message cannot be sent again' using errcode = 'I0002';
  end if;
  if v_message.status in ('failed', 'unknown', 'canceled') then
    update public.conversation_messages as m
       set status = 'queued', error = null, lease = null, lease_until = null, send_after = private.clock(),
           created_at = private.clock(), version = private.touch_conversation(m.conversation_id)
     where m.id = p_message_id
    returning m.* into v_message;
    if v_message.source = 'staff' then
      v_conversation := private.begin_human_reply(v_conversation, p_actor_id, null);
    end if;
  end if;
  return private.conversation_message_row(v_message);
end
$$;

revoke all on function public.retry_conversation_message from public, anon, authenticated, service_role;
grant execute on function public.retry_conversation_message to bot_backend;
comment on function public.retry_conversation_message is 'Queues a message of the staff again';

-- Does what is due in conversations: gives those back to the bot whose time with a human is over, shows snoozed ones again, and
-- forgets who had one open.
--
-- p_notice: text by language for users whose conversation the bot handles again.
--
-- Concurrency: conversations that are locked at the moment are left to the next run.
-- Locks: conversations (FOR UPDATE SKIP LOCKED), by id.
-- Returns: jsonb
--   returned: int
--   woken: int
-- Errors: none.
create or replace function public.run_messenger(p_notice jsonb, p_limit integer default 200)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_conversation public.conversations;
  v_returned integer := 0;
  v_woken integer;
begin
  for v_conversation in
    with due as (
      select c.id
        from public.conversations as c
       where c.handler_until <= v_now
       order by c.id
       limit p_limit
         for update skip locked
    )
    select c.* from public.conversations as c join due on due.id = c.id
  loop
    perform private.switch_handler(v_conversation, 'bot', null);
    perform private.add_conversation_event(v_conversation.id, null, 'returned');
    perform private.queue_notice(v_conversation.id, p_notice);
    v_returned := v_returned + 1;
  end loop;
  with due as (
    select c.id
      from public.conversations as c
     where c.snoozed_until <= v_now
     order by c.id
     limit p_limit
       for update skip locked
  )
  update public.conversations as c
     set snoozed_until = null, changed_xid = pg_current_xact_id()
    from due
   where c.id = due.id;
  get diagnostics v_woken = row_count;
  delete from public.conversation_presence as p where p.seen_until < v_now - interval '1 minute';
  return jsonb_build_object('returned', v_returned, 'woken', v_woken);
end
$$;

revoke all on function public.run_messenger from public, anon, authenticated, service_role;
grant execute on function public.run_messenger to bot_backend;
comment on function public.run_messenger is 'Does what is due in conversations';

-- Adds a canned reply (p_id null), changes one, or deletes it (p_shortcut null). With actions it is a macro: it gives labels,
-- assigns the conversation to the one who uses it (p_takes_over), and closes it.
--
-- p_labels: ids. p_texts: text by language, each at most 4096 characters, with variables such as {first_name}; may be empty where it acts.
--
-- Concurrency: shortcuts are unique.
-- Locks: the canned reply.
-- Returns: jsonb
--   id: bigint | null      (null: it was deleted, or there is none)
-- Errors: N0009 the user's role does not allow it; I0002 the shortcut or a text is invalid, or another has the shortcut.
create or replace function public.save_canned_reply(p_actor_id bigint,
  p_id bigint,
  p_shortcut text,
  p_texts jsonb default '{}',
  p_labels jsonb default '[]',
  p_takes_over boolean default false,
  p_closes boolean default false)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_labels constant bigint[] := array(select l.value::bigint from jsonb_array_elements_text(p_labels) as l (value));
  v_id bigint;
begin
  perform private.require_staff(p_actor_id, 'operator');
  if p_shortcut is null then
    delete from public.canned_replies as r where r.id = p_id;
    return '{"id": null}'::jsonb;
  elsif p_shortcut !~ '^[a-z0-9_-]{1,32}$' or jsonb_typeof(p_texts) <> 'object'
    or exists (select from jsonb_each_text(p_texts) as t where length(t.value) not between 1 and 4096)
    or p_texts = '{}' and p_labels = '[]' and not p_takes_over and not p_closes
  then
    raise exception 'the canned reply is invalid' using errcode = 'I0002';
  elsif p_id is null then
    insert into public.canned_replies as r (shortcut, texts, labels, takes_over, closes)
    values (p_shortcut, p_texts, v_labels, p_takes_over, p_closes)
    returning r.id into v_id;
  else
    update public.canned_replies as r
       set shortcut = p_shortcut, texts = p_texts, labels = v_labels, takes_over = p_takes_over, closes = p_closes,
           updated_at = private.clock()
     where r.id = p_id
    returning r.id into v_id;
  end if;
  return jsonb_build_object('id', v_id);
exception when unique_violation then
  raise exception 'another canned reply has this shortcut' using errcode = 'I0002';
end
$$;

revoke all on function public.save_canned_reply from public, anon, authenticated, service_role;
grant execute on function public.save_canned_reply to bot_backend;
comment on function public.save_canned_reply is 'Adds, changes or deletes a canned reply';

-- Stores the reply that a member of the staff is writing in a conversation; an empty text deletes it.
--
-- Concurrency: one row per member and conversation; the last call counts.
-- Locks: none but that row.
-- Returns: void
-- Errors: N0009 the user's role does not allow it.
create or replace function public.save_conversation_draft(p_actor_id bigint, p_conversation_id bigint, p_body text)
returns void
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'operator');
  if p_body ~ '\S' then
    insert into public.conversation_drafts as d (conversation_id, operator_id, body)
    select c.id, p_actor_id, left(p_body, 16000) from public.conversations as c where c.id = p_conversation_id
    on conflict (conversation_id, operator_id) do update set body = excluded.body, updated_at = private.clock();
  else
    delete from public.conversation_drafts as d where d.conversation_id = p_conversation_id and d.operator_id = p_actor_id;
  end if;
end
$$;

revoke all on function public.save_conversation_draft from public, anon, authenticated, service_role;
grant execute on function public.save_conversation_draft to bot_backend;
comment on function public.save_conversation_draft is 'Stores the reply that a member of the staff is writing';

-- Adds a label for conversations (p_id null), renames one, or deletes it (p_name null).
--
-- Concurrency: names are unique; a repeated call finds its label.
-- Locks: the label.
-- Returns: jsonb
--   id: bigint | null      (null: it was deleted, or there is none)
-- Errors: N0009 the user's role does not allow it; I0002 the name or the color is invalid, or another label has the name.
create or replace function public.save_messenger_label(p_actor_id bigint, p_id bigint, p_name text, p_color text default 'gray')
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
begin
  perform private.require_staff(p_actor_id, 'operator');
  if p_name is null then
    delete from public.messenger_labels as l where l.id = p_id;
    return '{"id": null}'::jsonb;
  elsif btrim(p_name) = '' or length(btrim(p_name)) > 40
    or p_color not in ('gray', 'red', 'orange', 'yellow', 'green', 'blue', 'purple')
  then
    raise exception 'the label is invalid' using errcode = 'I0002';
  elsif p_id is null then
    insert into public.messenger_labels as l (name, color)
    values (btrim(p_name), p_color)
    on conflict (lower(name)) do update set color = excluded.color
    returning l.id into v_id;
  else
    update public.messenger_labels as l set name = btrim(p_name), color = p_color where l.id = p_id returning l.id into v_id;
  end if;
  return jsonb_build_object('id', v_id);
exception when unique_violation then
  raise exception 'another label has this name' using errcode = 'I0002';
end
$$;

revoke all on function public.save_messenger_label from public, anon, authenticated, service_role;
grant execute on function public.save_messenger_label to bot_backend;
comment on function public.save_messenger_label is 'Adds, renames or deletes a label for conversations';

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
    select count(*) > 30
      from (
        select m.body from public.conversation_messages as m order by m.created_at desc limit 1000
      ) as n
     where to_tsvector('pg_catalog.simple'::regconfig, n.body) @@ v_query
  ) then
    v_messages := array(
      select m.conversation_id
        from public.conversation_messages as m
       where to_tsvector('pg_catalog.simple'::regconfig, m.body) @@ v_query
       order by m.created_at desc
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

-- Takes a conversation out of the open ones until a time; null: puts it back. A message of the user ends that.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.snooze_conversation(p_actor_id bigint, p_conversation_id bigint, p_until timestamptz)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  update public.conversations as c
     set snoozed_until = p_until, changed_xid = pg_current_xact_id()
   where c.id = p_conversation_id;
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.snooze_conversation from public, anon, authenticated, service_role;
grant execute on function public.snooze_conversation to bot_backend;
comment on function public.snooze_conversation is 'Takes a conversation out of the open ones until a time';

-- Decides who answers in a conversation: bot, human, or neither (paused: until someone changes it).
--
-- p_notice: text by language for the user, sent once where the handler changes between the bot and humans.
--
-- Concurrency: the conversation is locked; a repeated call changes nothing.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation; I0002 no such handler.
create or replace function public.switch_conversation_handler(p_actor_id bigint, p_conversation_id bigint, p_handler text, p_notice jsonb default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_hours constant double precision := private.setting('messenger_human_hours')::double precision;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  if p_handler not in ('bot', 'human', 'paused') then
    raise exception 'no such handler' using errcode = 'I0002';
  elsif v_conversation.handler <> p_handler then
    perform private.switch_handler(
      v_conversation, p_handler,
      case when p_handler = 'human' and v_hours > 0 then private.clock() + make_interval(secs => v_hours * 3600) end
    );
    perform private.add_conversation_event(
      p_conversation_id, p_actor_id, case p_handler when 'bot' then 'returned' when 'human' then 'taken_over' else 'paused' end
    );
    if p_handler <> 'paused' then
      perform private.queue_notice(p_conversation_id, p_notice);
    end if;
  end if;
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.switch_conversation_handler from public, anon, authenticated, service_role;
grant execute on function public.switch_conversation_handler to bot_backend;
comment on function public.switch_conversation_handler is 'Decides who answers in a conversation';

-- Takes the next version of a conversation for a changed message.
--
-- Concurrency: the caller holds the conversation's row.
-- Locks: none.
-- Returns: bigint, the version.
-- Errors: none.
create or replace function private.touch_conversation(p_conversation_id bigint)
returns bigint
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.conversations as c
     set last_version = c.last_version + 1, changed_xid = pg_current_xact_id()
   where c.id = p_conversation_id
  returning c.last_version;
$$;

revoke all on function private.touch_conversation from public, anon, authenticated, service_role;
comment on function private.touch_conversation is 'Takes the next version of a conversation for a changed message';

-- Applies the actions of a canned reply to a conversation, and counts its use. Its text is sent by send_conversation_message.
--
-- Concurrency: the conversation is locked; a repeated call counts its use again.
-- Locks: as private.lock_messenger_conversation.
-- Returns: jsonb
--   ...private.conversation_row
-- Errors: N0009 the user's role does not allow it; I0001 no such conversation.
create or replace function public.use_canned_reply(p_actor_id bigint, p_conversation_id bigint, p_reply_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_conversation public.conversations;
  v_reply public.canned_replies;
begin
  v_conversation := private.lock_messenger_conversation(p_actor_id, p_conversation_id);
  update public.canned_replies as r
     set used_count = r.used_count + 1
   where r.id = p_reply_id
  returning r.* into v_reply;
  insert into public.conversation_labels (conversation_id, label_id)
  select p_conversation_id, l.id from public.messenger_labels as l where l.id = any (v_reply.labels)
  on conflict (conversation_id, label_id) do nothing;
  if v_reply.takes_over then
    perform public.assign_conversation(p_actor_id, p_conversation_id, p_actor_id);
  end if;
  if v_reply.closes then
    perform public.close_conversation(p_actor_id, p_conversation_id);
  end if;
  perform private.touch_conversation(p_conversation_id);
  return private.conversation_row(
    (select c from public.conversations as c where c.id = p_conversation_id), p_actor_id
  );
end
$$;

revoke all on function public.use_canned_reply from public, anon, authenticated, service_role;
grant execute on function public.use_canned_reply to bot_backend;
comment on function public.use_canned_reply is 'Applies the actions of a canned reply to a conversation';

-- Notes that a member of the staff has a conversation open, for 15 seconds, and whether they are typing, for 6. A page calls it
-- every few seconds.
--
-- Concurrency: one row per member and conversation; the last call counts.
-- Locks: none but that row.
-- Returns: jsonb
--   viewers: private.conversation_viewers
--   action: { bot: text, chat_id: bigint, connection: text } | null     (show the user "typing…" now: at most every 5 seconds)
-- Errors: N0009 the user's role does not allow it.
create or replace function public.view_conversation(p_actor_id bigint, p_conversation_id bigint, p_is_typing boolean default false)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_typing_until timestamptz;
begin
  perform private.require_staff(p_actor_id, 'operator');
  select coalesce(max(p.typing_until), '-infinity') into v_typing_until
    from public.conversation_presence as p
   where p.conversation_id = p_conversation_id;
  insert into public.conversation_presence as p (conversation_id, operator_id, seen_until, typing_until)
  select c.id, p_actor_id, v_now + interval '15 seconds', case when p_is_typing then v_now + interval '6 seconds' end
    from public.conversations as c
   where c.id = p_conversation_id
  on conflict (conversation_id, operator_id) do update
    set seen_until = excluded.seen_until, typing_until = excluded.typing_until;
  return jsonb_build_object(
    'viewers', private.conversation_viewers(p_conversation_id, p_actor_id),
    'action', (
      select jsonb_build_object('bot', c.bot, 'chat_id', u.telegram_id, 'connection', c.connection)
        from public.conversations as c
        join public.users as u on u.id = c.user_id
       where c.id = p_conversation_id and p_is_typing and c.unreachable is null and v_typing_until < v_now + interval '1 second'
    )
  );
end
$$;

revoke all on function public.view_conversation from public, anon, authenticated, service_role;
grant execute on function public.view_conversation to bot_backend;
comment on function public.view_conversation is 'Notes that a member of the staff has a conversation open';

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
    if p_session ? 'handler_wish' then
      v_messenger := private.request_human(v_messenger, p_session ->> 'handler_wish');
    end if;
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

-- The table is new, and empty.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX conversation_messages_notes_idx ON public.conversation_messages USING btree (conversation_id, seq) WHERE (kind = 'note'::text);

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "messenger_late_minutes", "about": "Minutes after which a conversation whose user waits is shown in red", "value": 60}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "messenger_warn_minutes", "about": "Minutes after which a conversation whose user waits is shown in yellow", "value": 15}') on conflict do nothing;
