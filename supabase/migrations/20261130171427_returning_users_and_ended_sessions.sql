-- Returning users and ended sessions.

-- Finds the session of a token, with what pages need of its user. Prolongs it, at most every five minutes.
--
-- Concurrency: two pages at once write the same. Session and user are of one moment, also while the user is being erased.
-- Locks: session, only where it is prolonged.
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
    update public.user_sessions as s
       set last_seen_at = v_now, expires_at = least(s.ends_at, v_now + private.session_idle(v_user.is_admin))
     where s.id = v_session.id;
  end if;
  return jsonb_build_object('session', jsonb_build_object(
    'id', v_session.id, 'way', v_session.way, 'user_id', v_user.id, 'telegram_id', v_user.telegram_id,
    'first_name', v_user.first_name, 'last_name', v_user.last_name, 'username', v_user.username,
    'languages', jsonb_build_array(v_user.language, v_user.language_code),
    'time_zone', coalesce(
      (select k.time_zone from public.streaks as k where k.user_id = v_user.id), private.setting('quota_timezone')
    ),
    'is_admin', v_user.is_admin, 'is_paid', v_user.is_paid
  ));
end
$$;

revoke all on function public.find_user_session from public, anon, authenticated, service_role;
grant execute on function public.find_user_session to bot_backend;
comment on function public.find_user_session is 'Finds the session of a token, with what pages need of its user';

-- Opens a session for a Telegram account that Telegram itself has vouched for. Creates the user if no bot has seen the account,
-- and stores the names that Telegram reports.
--
-- p_telegram_user {id, hash?, first_name?, last_name?, username?, language_code?}; hash: the key of the tombstone of an erased user
-- who returns, whose ban still holds. p_proof_hash: of the signature, which is accepted once until p_proof_expires_at; null where
-- the login itself happens once (the code flow).
--
-- Concurrency: two calls with one proof meet in its primary key, and one opens a session; a repeated call with the same token gets
--   the same answer as long as the session lasts.
-- Locks: user (NO KEY UPDATE), for an erased user then as private.apply_tombstone; proof, session.
-- Returns: jsonb
--   outcome: 'opened' | 'banned' | 'replayed'
--   messages?: outgoing        (opened: to deliver now)
-- Errors: L0001, no Telegram user can have this id; 40001, the user was erased at this moment.
create or replace function public.log_in(
  p_telegram_user jsonb, p_token_hash bytea, p_way text, p_device text, p_proof_hash bytea, p_proof_expires_at timestamptz
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users := private.find_or_create_user((p_telegram_user ->> 'id')::bigint);
  v_proof public.login_proofs;
begin
  if not v_user.has_started and p_telegram_user ? 'hash' then
    v_user := private.apply_tombstone(v_user.id, p_telegram_user ->> 'hash');
  end if;
  if p_proof_hash is not null then
    insert into public.login_proofs (proof_hash, session_hash, expires_at)
    values (p_proof_hash, p_token_hash, p_proof_expires_at)
    on conflict (proof_hash) do nothing;
    if not found then
      select p.* into v_proof from public.login_proofs as p where p.proof_hash = p_proof_hash;
      -- The answer to the first call may be lost. A session that has been ended since is not opened again.
      if v_proof.session_hash is distinct from p_token_hash
        or (
          v_user.banned_at is null
          and not exists (
            select from public.user_sessions as s where s.token_hash = p_token_hash and s.user_id = v_user.id
          )
        )
      then
        return jsonb_build_object('outcome', 'replayed');
      end if;
    end if;
  end if;
  update public.users as u
     set first_name = p_telegram_user ->> 'first_name',
         last_name = p_telegram_user ->> 'last_name',
         username = p_telegram_user ->> 'username',
         language_code = coalesce(p_telegram_user ->> 'language_code', u.language_code)
   where u.id = v_user.id
     and not u.has_started
     and p_telegram_user ->> 'first_name' is not null;
  return private.open_user_session(v_user.id, p_token_hash, p_way, p_device);
end
$$;

revoke all on function public.log_in from public, anon, authenticated, service_role;
grant execute on function public.log_in to bot_backend;
comment on function public.log_in is 'Opens a session for a Telegram account that Telegram has vouched for';
