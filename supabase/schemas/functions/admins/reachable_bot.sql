-- Finds a bot that may write to a user: p_bot where the user has a private chat with it, else the one of the latest
-- private chat; never a bot that the user blocks. A message in a group does not allow a bot to write to the user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the bot's name; null where no bot may write to the user.
-- Errors: none.
create or replace function private.reachable_bot(p_user_id bigint, p_telegram_id bigint, p_bot text)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select s.bot
    from public.bot_sessions as s
   where s.user_id = p_user_id and s.chat_id = p_telegram_id and not s.is_blocked
   order by s.bot = p_bot desc nulls last, s.updated_at desc
   limit 1;
$$;

revoke all on function private.reachable_bot from public, anon, authenticated, service_role;
comment on function private.reachable_bot is 'Finds a bot that may write to a user';
