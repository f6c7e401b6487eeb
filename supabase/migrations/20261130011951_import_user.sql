-- Import user.

-- Imports what another bot knew of a user: session, statistics, XP and badges (./switchboard import). p_hash is the key
-- of the user's tombstone: an erased user is not created again. p_data, each part optional:
-- {session: {…}, stats: {…}, xp: int, badges: [text], badges_at: timestamptz}.
-- A session that exists stays unless p_overwrite.
--
-- Concurrency: the user's row is locked. XP has the reference import:<bot>:<Telegram id>, so a repeated import gives
--   nothing twice; other XP than then is refused, because the difference may have been earned here.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: jsonb
--   outcome: 'created' | 'changed' | 'unchanged' | 'erased'
--   xp: int                 (given now)
--   badges: int             (given now)
--   session: 'saved' | 'kept' | 'none'
-- Errors: L0001 no Telegram user can have this id; S0001 the bot's name is invalid; Z0002 the XP or a badge's name is
--   invalid; Z0003 other XP was imported before; 40001 the user was erased at this moment (retry).
create or replace function private.import_user(
  p_bot text, p_telegram_id bigint, p_hash text, p_data jsonb, p_overwrite boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_is_new boolean;
  v_session public.bot_sessions;
  v_saved text := 'none';
  v_xp integer := 0;
  v_badges integer := 0;
  v_award jsonb;
begin
  perform private.check_bot_name(p_bot);
  if exists (select from public.erased_users as e where e.user_hash = decode(p_hash, 'hex')) then
    return jsonb_build_object('outcome', 'erased', 'xp', 0, 'badges', 0, 'session', 'none');
  end if;
  select not exists (select from public.users as u where u.telegram_id = p_telegram_id) into v_is_new;
  v_user := private.find_or_create_user(p_telegram_id);
  if p_data ?| array['session', 'stats'] then
    select s.* into v_session
      from public.bot_sessions as s
     where s.user_id = v_user.id and s.bot = p_bot and s.chat_id = p_telegram_id and s.thread_id = 0
       for update;
    v_saved := case
      when not found then 'saved'
      when (v_session.session_data, v_session.stats_data)
        = (coalesce(p_data -> 'session', '{}'), coalesce(p_data -> 'stats', '{}')) then 'none'
      when p_overwrite then 'saved'
      else 'kept'
    end;
    if v_saved = 'saved' then
      insert into public.bot_sessions as s (user_id, bot, chat_id, session_data, stats_data)
      values (
        v_user.id, p_bot, p_telegram_id, coalesce(p_data -> 'session', '{}'), coalesce(p_data -> 'stats', '{}')
      )
      on conflict (user_id, bot, chat_id, thread_id) do update
        set session_data = excluded.session_data, stats_data = excluded.stats_data, updated_at = private.clock();
    end if;
  end if;
  if coalesce((p_data ->> 'xp')::integer, 0) <> 0 then
    v_award := private.award_xp(
      v_user.id, p_bot, 'import', format('import:%s:%s', p_bot, p_telegram_id), (p_data ->> 'xp')::integer
    );
    v_xp := case when (v_award ->> 'awarded')::boolean then (v_award ->> 'points')::integer else 0 end;
  end if;
  for v_award in select b.value from jsonb_array_elements(p_data -> 'badges') as b (value) loop
    if private.award_badge(v_user.id, p_bot, v_award #>> '{}', '{"imported": true}') then
      v_badges := v_badges + 1;
      update public.user_badges as b
         set earned_at = coalesce((p_data ->> 'badges_at')::timestamptz, b.earned_at)
       where b.user_id = v_user.id and b.bot = p_bot and b.badge = v_award #>> '{}';
    end if;
  end loop;
  return jsonb_build_object(
    'outcome', case
      when v_is_new then 'created'
      when v_xp <> 0 or v_badges > 0 or v_saved = 'saved' then 'changed'
      else 'unchanged'
    end,
    'xp', v_xp, 'badges', v_badges, 'session', v_saved
  );
end
$$;

revoke all on function private.import_user from public, anon, authenticated, service_role;
comment on function private.import_user is 'Imports what another bot knew of a user';
