-- Enqueues a templated message to a user about what an admin did, in the bot that the user used last. Users who are
-- banned, blocked the bots or never started one get none.
--
-- Concurrency: every call enqueues a message; the caller holds the user's row and calls once.
-- Locks: none.
-- Returns: jsonb, list of the messages to deliver now; empty when the user gets none.
-- Errors: none.
create or replace function private.notify_user(p_user_id bigint, p_key text, p_values jsonb, p_buttons jsonb default null)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_bot text;
begin
  select private.reachable_bot(u.id, u.telegram_id, null) into v_bot
    from public.users as u
   where u.id = p_user_id and u.banned_at is null and u.is_active;
  return private.enqueue_user_message(p_user_id, v_bot, p_key, p_values, p_buttons);
end
$$;

revoke all on function private.notify_user from public, anon, authenticated, service_role;
comment on function private.notify_user is 'Enqueues a message to a user about what an admin did';
