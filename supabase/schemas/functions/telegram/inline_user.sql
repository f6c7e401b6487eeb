-- Returns whether a user has started a bot, before their question in inline mode is received: receiving it would create
-- a user who never wrote to the bot.
--
-- Concurrency: read-only, one row by its keys. A user who is erased in between is created anew, as by a message.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'started' | 'unknown'
-- Errors: none.
create or replace function public.inline_user(p_bot text, p_telegram_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform
    from public.users as u
    join public.bot_sessions as s on s.user_id = u.id
   where u.telegram_id = p_telegram_id and s.bot = p_bot and s.chat_id = p_telegram_id;
  return jsonb_build_object('outcome', case when found then 'started' else 'unknown' end);
end
$$;

revoke all on function public.inline_user from public, anon, authenticated, service_role;
grant execute on function public.inline_user to bot_backend;
comment on function public.inline_user is 'Returns whether a user of inline mode has started the bot';
