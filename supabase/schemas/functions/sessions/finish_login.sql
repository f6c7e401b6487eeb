-- Answers the page that waits for a login through the bot, and opens the session once the user has confirmed it.
--
-- Concurrency: the row is locked, so one login opens one session; a repeated call with the same token gets the same answer
--   as long as the session lasts. The user is locked first, as an erasure does, which deletes the login too.
-- Locks: user (SHARE), login, session.
-- Returns: jsonb
--   outcome: 'waiting' | 'opened' | 'refused' | 'expired' | 'used' | 'banned' | 'unknown'
--   return_to?: text            (opened)
--   messages?: outgoing        (opened: to deliver now)
-- Errors: none.
create or replace function public.finish_login(p_browser_hash bytea, p_token_hash bytea)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id bigint;
  v_attempt public.login_attempts;
  v_session jsonb;
begin
  select a.user_id into v_user_id from public.login_attempts as a where a.browser_hash = p_browser_hash and a.way = 'bot';
  perform from public.users as u where u.id = v_user_id for share;
  select a.* into v_attempt
    from public.login_attempts as a
   where a.browser_hash = p_browser_hash and a.way = 'bot'
     for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  elsif v_attempt.session_hash is not null then
    -- The answer to the first call may be lost. A session that has been ended since is not opened again.
    if v_attempt.session_hash = p_token_hash
      and exists (select from public.user_sessions as s where s.token_hash = p_token_hash)
    then
      return jsonb_build_object('outcome', 'opened', 'messages', '[]'::jsonb, 'return_to', v_attempt.return_to);
    end if;
    return jsonb_build_object('outcome', 'used');
  elsif v_attempt.expires_at <= private.clock() then
    return jsonb_build_object('outcome', 'expired');
  elsif v_attempt.decided_at is null or v_attempt.user_id is distinct from v_user_id then
    -- A choice since the first line is answered next time, with its user locked.
    return jsonb_build_object('outcome', 'waiting');
  elsif not v_attempt.is_confirmed then
    return jsonb_build_object('outcome', 'refused');
  end if;
  v_session := private.open_user_session(v_attempt.user_id, p_token_hash, 'bot', v_attempt.device);
  update public.login_attempts as a set session_hash = p_token_hash where a.public_hash = v_attempt.public_hash;
  return v_session || jsonb_build_object('return_to', v_attempt.return_to);
end
$$;

revoke all on function public.finish_login from public, anon, authenticated, service_role;
grant execute on function public.finish_login to bot_backend;
comment on function public.finish_login is 'Opens the session of a login that the user confirmed in the bot';
