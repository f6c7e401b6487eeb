-- Saves the session of a user with one bot, its statistics, or both; null leaves a part alone. Keys are merged, and a
-- key whose value is null is removed, so two writers lose nothing of each other's keys. With p_replace the given parts
-- are stored as they are.
--
-- Concurrency: calls for one session are serialized by its row. Repeated, it changes nothing.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: jsonb
--   session: jsonb
--   stats: jsonb
-- Errors: L0001 no Telegram user can have this id; S0001 the bot's name is invalid, a part is no JSON object, or a
--   part would become larger than 256 kB; 40001 the user was erased at this moment (retry).
create or replace function public.save_user_session(
  p_telegram_id bigint,
  p_bot text,
  p_session jsonb default null,
  p_stats jsonb default null,
  p_replace boolean default false,
  p_chat_id bigint default null,
  p_thread_id bigint default 0
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
  v_chat_id bigint := coalesce(p_chat_id, p_telegram_id);
  v_session public.bot_sessions;
begin
  perform private.check_bot_name(p_bot);
  if jsonb_typeof(p_session) <> 'object' or jsonb_typeof(p_stats) <> 'object' then
    raise exception 'session and statistics must be JSON objects' using errcode = 'S0001';
  end if;
  v_user_id := (private.find_or_create_user(p_telegram_id)).id;
  insert into public.bot_sessions (user_id, bot, chat_id, thread_id)
  values (v_user_id, p_bot, v_chat_id, p_thread_id)
  on conflict (user_id, bot, chat_id, thread_id) do nothing;
  select s.* into v_session
    from public.bot_sessions as s
   where s.user_id = v_user_id and s.bot = p_bot and s.chat_id = v_chat_id and s.thread_id = p_thread_id
     for update;
  v_session.session_data := private.merged(v_session.session_data, p_session, p_replace);
  v_session.stats_data := private.merged(v_session.stats_data, p_stats, p_replace);
  if greatest(length(v_session.session_data::text), length(v_session.stats_data::text)) > 262144 then
    raise exception 'session and statistics must each be at most 256 kB' using errcode = 'S0001';
  end if;
  update public.bot_sessions as s
     set session_data = v_session.session_data, stats_data = v_session.stats_data, updated_at = private.clock()
   where s.user_id = v_user_id and s.bot = p_bot and s.chat_id = v_chat_id and s.thread_id = p_thread_id;
  return jsonb_build_object('session', v_session.session_data, 'stats', v_session.stats_data);
end
$$;

revoke all on function public.save_user_session from public, anon, authenticated, service_role;
grant execute on function public.save_user_session to bot_backend, service_role;
comment on function public.save_user_session is 'Saves the session of a user with one bot, its statistics, or both';
