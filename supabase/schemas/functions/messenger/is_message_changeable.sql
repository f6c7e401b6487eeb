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
