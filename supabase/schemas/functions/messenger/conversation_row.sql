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
