-- Returns a user with the session and the statistics of one bot, in the private chat unless another chat is named.
-- Sessions of other bots are never part of it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   user: private.user_card | null    (null: no such user)
--   session: jsonb                    ({} while there is none)
--   stats: jsonb
-- Errors: S0001 the bot's name is invalid.
create or replace function public.get_user_session(
  p_telegram_id bigint, p_bot text, p_chat_id bigint default null, p_thread_id bigint default 0
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_session public.bot_sessions;
begin
  perform private.check_bot_name(p_bot);
  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id;
  if found then
    select s.* into v_session
      from public.bot_sessions as s
     where s.user_id = v_user.id and s.bot = p_bot
       and s.chat_id = coalesce(p_chat_id, p_telegram_id) and s.thread_id = p_thread_id;
  end if;
  return jsonb_build_object(
    'user', case when v_user.id is not null then private.user_card(v_user) end,
    'session', coalesce(v_session.session_data, '{}'),
    'stats', coalesce(v_session.stats_data, '{}')
  );
end
$$;

revoke all on function public.get_user_session from public, anon, authenticated, service_role;
grant execute on function public.get_user_session to bot_backend, service_role;
comment on function public.get_user_session is 'Returns a user with the session and statistics of one bot';
