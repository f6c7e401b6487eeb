-- Finds the session of a token, with what pages need of its user. Prolongs it, at most every five minutes.
--
-- Concurrency: two pages at once write the same. Session and user are of one moment, also while the user is being erased.
-- Locks: user (KEY SHARE), avatar and session, only where it is prolonged.
-- Returns: jsonb
--   session: {
--      id: int
--      way: text
--      user_id: int
--      telegram_id: int
--      first_name: text
--      last_name: text | null
--      username: text | null
--      languages: [ text | null ]     (chosen, of the Telegram client)
--      time_zone: text
--      role: text | null              ('owner' | 'admin' | 'operator' | 'author'; null: not staff)
--      is_paid: boolean
--      gate: 'maintenance' | 'invite' | 'closed' | null   (why the pages do not serve the user now)
--      photo: uuid | null             (key of the profile photo)
--   } | null
-- Errors: none.
create or replace function public.find_user_session(p_token_hash bytea)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_found record;
  v_session public.user_sessions;
  v_user public.users;
  v_role text;
begin
  select s as session_row, u as user_row into v_found
    from public.user_sessions as s
    join public.users as u on u.id = s.user_id
   where s.token_hash = p_token_hash and s.expires_at > v_now;
  if not found then
    return '{"session": null}'::jsonb;
  end if;
  v_session := v_found.session_row;
  v_user := v_found.user_row;
  v_role := private.staff_role(v_user.id);
  if v_session.last_seen_at <= v_now - interval '5 minutes' then
    -- First, because an erasure locks the user before the session.
    perform public.want_avatars(jsonb_build_array(v_user.id));
    update public.user_sessions as s
       set last_seen_at = v_now, expires_at = least(s.ends_at, v_now + private.session_idle(v_role is not null or v_session.way = 'mini_app'))
     where s.id = v_session.id;
  end if;
  return jsonb_build_object('session', jsonb_build_object(
    'id', v_session.id, 'way', v_session.way, 'user_id', v_user.id, 'telegram_id', v_user.telegram_id,
    'first_name', v_user.first_name, 'last_name', v_user.last_name, 'username', v_user.username,
    'languages', jsonb_build_array(v_user.language, v_user.language_code),
    'time_zone', coalesce(
      (select k.time_zone from public.streaks as k where k.user_id = v_user.id), private.setting('quota_timezone')
    ),
    'role', v_role, 'is_paid', v_user.is_paid,
    'gate', case
      when v_role is not null then null
      when private.setting('maintenance') = 'true' then 'maintenance'
      when v_user.is_waiting then nullif(private.setting('access_mode'), 'open')
    end,
    'photo', (select a.key from public.user_avatars as a where a.user_id = v_user.id and a.image is not null)
  ));
end
$$;

revoke all on function public.find_user_session from public, anon, authenticated, service_role;
grant execute on function public.find_user_session to bot_backend;
comment on function public.find_user_session is 'Finds the session of a token, with what pages need of its user';
