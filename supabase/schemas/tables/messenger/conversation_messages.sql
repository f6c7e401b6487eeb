-- Messages of the conversations that people of the team read and answer. Unlike messages, which the AI is sent, they are
-- kept whole, with media, edits and delivery states.
--
-- Sent by the team:  queued ─▶ sending ─▶ sent | failed | unknown     (unknown: the sender died, or Telegram's answer was
--                       └────▶ canceled                                lost; never retried by a job)
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
-- Notes beside a conversation.
create index conversation_messages_notes_idx on public.conversation_messages (conversation_id, seq) where kind = 'note';
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
comment on column public.conversation_messages.media is 'Files by their file_id, with size, name and type; coordinates, contacts; is_forwarded: another wrote it';
comment on column public.conversation_messages.read is 'Whether the team has read a message of the user';
comment on column public.conversation_messages.status is 'State of delivery; null: of the user, or a note';
comment on column public.conversation_messages.error is 'Why it was not delivered: blocked, deactivated, or Telegram''s words';
comment on column public.conversation_messages.reference is 'Idempotency key of the page that sent it';
comment on column public.conversation_messages.outbox_id is 'Item of telegram_outbox that delivers an answer of the bot, until its result is known';
comment on column public.conversation_messages.lease is 'Delivery that is sending it';
alter table public.conversation_messages enable row level security;
revoke all on table public.conversation_messages from public, anon, authenticated, service_role;
revoke all on sequence public.conversation_messages_id_seq from public, anon, authenticated, service_role;
