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
