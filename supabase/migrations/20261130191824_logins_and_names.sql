-- Logins: limits of those without success; users are locked first.

-- Both functions are called by this release alone.
-- squawk-ignore-file ban-drop-function

drop function private.session_idle(p_is_admin boolean);

-- unused since 20261121184811: no release has called it
drop function public.finish_redirect(p_public_hash bytea, p_browser_hash bytea);

-- Claims a login with "Log in with Telegram" when the browser comes back, so that its `state` works once. The session is opened
-- by public.log_in, when Telegram has said who the user is.
--
-- Concurrency: the row is deleted in the same statement, so of two calls one gets it.
-- Locks: login.
-- Returns: jsonb
--   outcome: 'claimed' | 'unknown'    (unknown: never begun, by another browser, too late, or claimed already)
--   verifier?: text                   (claimed, as the other)
--   return_to?: text
-- Errors: none.
create or replace function public.claim_redirect(p_public_hash bytea, p_browser_hash bytea)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempt public.login_attempts;
begin
  delete from public.login_attempts as a
   where a.public_hash = p_public_hash
     and a.browser_hash = p_browser_hash
     and a.way = 'telegram'
     and a.expires_at > private.clock()
  returning a.* into v_attempt;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  return jsonb_build_object('outcome', 'claimed', 'verifier', v_attempt.verifier, 'return_to', v_attempt.return_to);
end
$$;

revoke all on function public.claim_redirect from public, anon, authenticated, service_role;
grant execute on function public.claim_redirect to bot_backend;
comment on function public.claim_redirect is 'Claims a login with "Log in with Telegram" when the browser comes back';

-- Stores what the user chose in the chat about a login. Only the number on the page confirms it; a wrong one, or null for
-- "It's not me", refuses it for good.
--
-- Concurrency: the row is locked, so the first choice counts; a repetition of it gets the same answer. The user is
--   locked first, as an erasure does.
-- Locks: user (KEY SHARE), login.
-- Returns: jsonb
--   outcome: 'confirmed' | 'refused' | 'wrong_code' | 'expired' | 'decided' | 'unknown'     (decided: earlier, and otherwise)
-- Errors: none.
create or replace function public.decide_login(p_public_hash bytea, p_user_id bigint, p_code integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_attempt public.login_attempts;
  v_is_right boolean;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  select a.* into v_attempt
    from public.login_attempts as a
   where a.public_hash = p_public_hash and a.way = 'bot'
     for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  end if;
  v_is_right := coalesce(p_code = v_attempt.code, false);
  if v_attempt.decided_at is not null then
    return jsonb_build_object('outcome', case
      when v_attempt.user_id is distinct from p_user_id or v_attempt.is_confirmed <> v_is_right then 'decided'
      when v_is_right then 'confirmed'
      when p_code is null then 'refused'
      else 'wrong_code'
    end);
  elsif v_attempt.expires_at <= v_now then
    return jsonb_build_object('outcome', 'expired');
  end if;
  update public.login_attempts as a
     set user_id = p_user_id, decided_at = v_now, is_confirmed = v_is_right
   where a.public_hash = p_public_hash;
  return jsonb_build_object('outcome', case when v_is_right then 'confirmed' when p_code is null then 'refused' else 'wrong_code' end);
end
$$;

revoke all on function public.decide_login from public, anon, authenticated, service_role;
grant execute on function public.decide_login to bot_backend;
comment on function public.decide_login is 'Stores what the user chose in the chat about a login';

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

-- Returns after how long without a page a session ends.
--
-- p_is_short: of an admin or a Mini App.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: interval
-- Errors: none.
create or replace function private.session_idle(p_is_short boolean)
returns interval
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case when p_is_short then interval '12 hours' else interval '14 days' end;
$$;

revoke all on function private.session_idle from public, anon, authenticated, service_role;
comment on function private.session_idle is 'Returns after how long without a page a session ends';

-- Begins a login of a browser. Two settings limit logins that no session followed: login_hourly_attempts of one network address,
-- which a mobile operator may share among many users, and login_minute_attempts of all together.
--
-- p_way: 'bot' or 'telegram', which needs p_verifier. p_seconds: how long it may take.
--
-- Concurrency: a repeated call finds its row and returns the same code. Calls of one address at once may exceed the limit by as
--   many as they are; so may calls of all at once.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'started' | 'limited' | 'busy'      (limited: this address; busy: all together)
--   code?: int | null      (started: the number that the page shows; null with way telegram)
-- Errors: none.
create or replace function public.start_login(
  p_public_hash bytea, p_browser_hash bytea, p_way text, p_verifier text, p_return_to text, p_device text, p_address_hash bytea,
  p_seconds integer
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_hourly constant integer := private.setting('login_hourly_attempts')::integer;
  v_per_minute constant integer := private.setting('login_minute_attempts')::integer;
  v_code smallint;
begin
  select a.code into v_code from public.login_attempts as a where a.public_hash = p_public_hash;
  if found then
    return jsonb_build_object('outcome', 'started', 'code', v_code);
  elsif v_hourly > 0 and v_hourly <= (
    select count(*)
      from public.login_attempts as a
     where a.address_hash = p_address_hash and a.session_hash is null and a.created_at > v_now - interval '1 hour'
  ) then
    return jsonb_build_object('outcome', 'limited');
  elsif v_per_minute > 0 and v_per_minute <= (
    select count(*)
      from public.login_attempts as a
     where a.session_hash is null and a.created_at > v_now - interval '1 minute'
  ) then
    return jsonb_build_object('outcome', 'busy');
  end if;
  if p_way = 'bot' then
    v_code := 10 + floor(random() * 90);
  end if;
  insert into public.login_attempts
    (public_hash, browser_hash, way, code, verifier, return_to, device, address_hash, created_at, expires_at)
  values (
    p_public_hash, p_browser_hash, p_way, v_code, p_verifier, p_return_to, p_device, p_address_hash, v_now,
    v_now + make_interval(secs => p_seconds)
  );
  return jsonb_build_object('outcome', 'started', 'code', v_code);
end
$$;

revoke all on function public.start_login from public, anon, authenticated, service_role;
grant execute on function public.start_login to bot_backend;
comment on function public.start_login is 'Begins a login of a browser';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "login_hourly_attempts", "about": "Logins without success that one network address may begin in an hour; 0: no limit", "value": 10}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "login_minute_attempts", "about": "Logins without success that all visitors together may begin in a minute; 0: no limit", "value": 300}') on conflict do nothing;
