-- Empties the session of a user with one bot: its data and its mode; with p_keep_stats false the statistics too. The
-- conversation and other bots' sessions stay.
--
-- Concurrency: repeated, it changes nothing.
-- Locks: session.
-- Returns: boolean, whether there was a session.
-- Errors: S0001 the bot's name is invalid.
create or replace function public.reset_user_session(
  p_telegram_id bigint,
  p_bot text,
  p_keep_stats boolean default true,
  p_chat_id bigint default null,
  p_thread_id bigint default 0
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.check_bot_name(p_bot);
  update public.bot_sessions as s
     set session_data = '{}',
         mode = 'chat',
         stats_data = case when p_keep_stats then s.stats_data else '{}' end,
         updated_at = private.clock()
    from public.users as u
   where u.telegram_id = p_telegram_id and s.user_id = u.id and s.bot = p_bot
     and s.chat_id = coalesce(p_chat_id, p_telegram_id) and s.thread_id = p_thread_id;
  return found;
end
$$;

revoke all on function public.reset_user_session from public, anon, authenticated, service_role;
grant execute on function public.reset_user_session to bot_backend, service_role;
comment on function public.reset_user_session is 'Empties the session of a user with one bot';
