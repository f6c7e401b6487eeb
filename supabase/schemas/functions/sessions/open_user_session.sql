-- Opens a session of a user. A session of the staff is shorter: 12 hours without a page, 7 days at most; other sessions 14 and 90
-- days. A Mini App is logged in each time it is opened, so its session ends after 12 hours without a page too.
-- Staff get a message about every session but a Mini App's, in which Telegram itself vouches for the device.
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
  v_is_staff boolean;
  v_messages jsonb := '[]'::jsonb;
begin
  -- FOR SHARE, because a ban or a change of rights updates the row without touching its key.
  select u.* into v_user from public.users as u where u.id = p_user_id for share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  elsif v_user.banned_at is not null then
    return jsonb_build_object('outcome', 'banned');
  end if;
  v_is_staff := private.staff_role(p_user_id) is not null;
  insert into public.user_sessions (token_hash, user_id, way, device, created_at, last_seen_at, expires_at, ends_at)
  values (
    p_token_hash, p_user_id, p_way, p_device, v_now, v_now, v_now + private.session_idle(v_is_staff or p_way = 'mini_app'),
    v_now + case when v_is_staff then interval '7 days' else interval '90 days' end
  )
  on conflict (token_hash) do nothing;
  if found and v_is_staff and p_way <> 'mini_app' then
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
