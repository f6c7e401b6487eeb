-- Photos of sessions.

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
--      is_admin: boolean
--      is_paid: boolean
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
  if v_session.last_seen_at <= v_now - interval '5 minutes' then
    -- First, because an erasure locks the user before the session.
    perform public.want_avatars(jsonb_build_array(v_user.id));
    update public.user_sessions as s
       set last_seen_at = v_now, expires_at = least(s.ends_at, v_now + private.session_idle(v_user.is_admin or v_session.way = 'mini_app'))
     where s.id = v_session.id;
  end if;
  return jsonb_build_object('session', jsonb_build_object(
    'id', v_session.id, 'way', v_session.way, 'user_id', v_user.id, 'telegram_id', v_user.telegram_id,
    'first_name', v_user.first_name, 'last_name', v_user.last_name, 'username', v_user.username,
    'languages', jsonb_build_array(v_user.language, v_user.language_code),
    'time_zone', coalesce(
      (select k.time_zone from public.streaks as k where k.user_id = v_user.id), private.setting('quota_timezone')
    ),
    'is_admin', v_user.is_admin, 'is_paid', v_user.is_paid,
    'photo', (select a.key from public.user_avatars as a where a.user_id = v_user.id and a.image is not null)
  ));
end
$$;

revoke all on function public.find_user_session from public, anon, authenticated, service_role;
grant execute on function public.find_user_session to bot_backend;
comment on function public.find_user_session is 'Finds the session of a token, with what pages need of its user';

-- Opens a session of a user. An admin's session is shorter: 12 hours without a page, 7 days at most; other sessions 14 and 90
-- days. A Mini App is logged in each time it is opened, so its session ends after 12 hours without a page too.
-- Admins get a message about every session but a Mini App's, in which Telegram itself vouches for the device.
--
-- Concurrency: the user's row is locked, so a ban at the same time ends the session or prevents it. A repeated call with the same
--   token changes nothing.
-- Locks: user (SHARE), session, avatar.
-- Returns: jsonb
--   outcome: 'opened' | 'banned'
--   messages?: outgoing        (opened: to deliver now)
-- Errors: Z0004, no such user.
create or replace function private.open_user_session(p_user_id bigint, p_token_hash bytea, p_way text, p_device text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_user public.users;
  v_messages jsonb := '[]'::jsonb;
begin
  -- FOR SHARE, because a ban or a change of rights updates the row without touching its key.
  select u.* into v_user from public.users as u where u.id = p_user_id for share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  elsif v_user.banned_at is not null then
    return jsonb_build_object('outcome', 'banned');
  end if;
  insert into public.user_sessions (token_hash, user_id, way, device, created_at, last_seen_at, expires_at, ends_at)
  values (
    p_token_hash, p_user_id, p_way, p_device, v_now, v_now, v_now + private.session_idle(v_user.is_admin or p_way = 'mini_app'),
    v_now + case when v_user.is_admin then interval '7 days' else interval '90 days' end
  )
  on conflict (token_hash) do nothing;
  if found and v_user.is_admin and p_way <> 'mini_app' then
    v_messages := private.notify_user(
      p_user_id, 'login_notice', jsonb_build_object('device', p_device),
      '[[{"key": "login_end_all", "data": "login!all"}]]'
    );
  end if;
  perform public.want_avatars(jsonb_build_array(p_user_id));
  return jsonb_build_object('outcome', 'opened', 'messages', v_messages);
end
$$;

revoke all on function private.open_user_session from public, anon, authenticated, service_role;
comment on function private.open_user_session is 'Opens a session of a user';
