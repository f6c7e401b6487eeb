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
