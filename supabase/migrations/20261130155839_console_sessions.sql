-- Console sessions.

-- Trigger of users: ends a user's sessions of the console with a ban, and whenever admin rights come or go, so that no session
-- outlives the rights it was opened with.
--
-- Concurrency: a session that is opened at the same time waits for the user's row (private.open_user_session).
-- Locks: sessions of the user.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.end_sessions()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.user_sessions as s where s.user_id = new.id;
  return null;
end
$$;

revoke all on function private.end_sessions from public, anon, authenticated, service_role;
comment on function private.end_sessions is 'Ends a user''s sessions with a ban and with a change of admin rights';

-- Logins that a browser has begun: through the bot, where the user confirms in the chat, and with "Log in with Telegram", where
-- Telegram sends the browser back. Two secrets belong to each: one that travels, in the link or as `state`, and one that stays in
-- the cookie of the browser. Of both only hashes are here.

create table public.login_attempts (
  public_hash bytea primary key check (length(public_hash) = 32),
  browser_hash bytea not null unique check (length(browser_hash) = 32),
  way text not null check (way in ('bot', 'telegram')),
  code smallint check (code between 10 and 99),
  verifier text,
  return_to text not null check (length(return_to) <= 500),
  device text not null check (length(device) <= 80),
  address_hash bytea not null,
  user_id bigint references public.users (id) on delete cascade,
  decided_at timestamptz,
  is_confirmed boolean,
  session_hash bytea,
  created_at timestamptz not null default private.clock(),
  expires_at timestamptz not null,
  check ((way = 'bot') = (code is not null)),
  check ((decided_at is null) = (is_confirmed is null)),
  check (not is_confirmed or user_id is not null)
);

create index login_attempts_address_idx on public.login_attempts (address_hash, created_at);
create index login_attempts_user_idx on public.login_attempts (user_id);
create index login_attempts_created_at_idx on public.login_attempts (created_at);

comment on table public.login_attempts is 'Logins that a browser has begun';
comment on column public.login_attempts.public_hash is 'SHA-256 of the token in the link to the bot, or of the parameter state';
comment on column public.login_attempts.browser_hash is 'SHA-256 of the secret in the cookie of the browser';
comment on column public.login_attempts.code is 'Number that the page shows and the user chooses in the chat; null with way telegram';
comment on column public.login_attempts.verifier is 'PKCE code verifier (RFC 7636) of way telegram';
comment on column public.login_attempts.return_to is 'Path of the page that the user wanted';
comment on column public.login_attempts.address_hash is 'Keyed hash of the network address, which limits attempts';
comment on column public.login_attempts.decided_at is 'When the user chose in the chat; a wrong number is a refusal';
comment on column public.login_attempts.session_hash is 'The session that this login opened; one login opens one session';
alter table public.login_attempts enable row level security;
revoke all on table public.login_attempts from public, anon, authenticated, service_role;

-- Signed data of Telegram with which users logged in. Kept until it is too old to be accepted, so that it works once.

create table public.login_proofs (
  proof_hash bytea primary key check (length(proof_hash) = 32),
  session_hash bytea not null,
  expires_at timestamptz not null
);

create index login_proofs_expires_at_idx on public.login_proofs (expires_at);

comment on table public.login_proofs is 'Signed data of Telegram that has been used to log in';
comment on column public.login_proofs.proof_hash is 'SHA-256 of the signature';
comment on column public.login_proofs.session_hash is 'The session that it opened';
alter table public.login_proofs enable row level security;
revoke all on table public.login_proofs from public, anon, authenticated, service_role;

-- Sessions of the console: one row per device on which a user is logged in. The token is known to the browser only.

create table public.user_sessions (
  id bigint generated always as identity primary key,
  token_hash bytea not null unique check (length(token_hash) = 32),
  user_id bigint not null references public.users (id) on delete cascade,
  way text not null check (way in ('bot', 'telegram', 'mini_app', 'widget')),
  device text not null check (length(device) <= 80),
  created_at timestamptz not null default private.clock(),
  last_seen_at timestamptz not null default private.clock(),
  expires_at timestamptz not null,
  ends_at timestamptz not null,
  check (expires_at <= ends_at)
);

create index user_sessions_user_idx on public.user_sessions (user_id);
-- The sweep deletes expired sessions.
create index user_sessions_expires_at_idx on public.user_sessions (expires_at);

comment on table public.user_sessions is 'Sessions of the console, one per device';
comment on column public.user_sessions.token_hash is 'SHA-256 of the token in the browser''s cookie, or of the Mini App''s bearer token';
comment on column public.user_sessions.way is 'How the user logged in: through the bot, with "Log in with Telegram", as a Mini App, with the older widget';
comment on column public.user_sessions.device is 'Browser and system, as the device list shows them';
comment on column public.user_sessions.last_seen_at is 'Time of the last page, accurate to five minutes';
comment on column public.user_sessions.expires_at is 'End of the session if the user opens no other page';
comment on column public.user_sessions.ends_at is 'End of the session in any case';
alter table public.user_sessions enable row level security;
revoke all on table public.user_sessions from public, anon, authenticated, service_role;
revoke all on sequence public.user_sessions_id_seq from public, anon, authenticated, service_role;

-- Collects all data stored about a user except the conversation. Each section has a title and an explanation in the
-- texts (section_<name>). Of the AI calls it holds the newest 10,000; the monthly sums cover all.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per section.
-- Errors: none.
create or replace function private.user_data_sections(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'user', to_jsonb(u),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.bot, s.chat_id, s.thread_id), '[]')
        from public.bot_sessions as s
       where s.user_id = u.id
    ),
    'conversations', (
      select coalesce(jsonb_agg(to_jsonb(c) - array['user_id', 'reference', 'summary_claim', 'summary_claimed_at'] order by c.id), '[]'::jsonb)
        from public.ai_conversations as c
       where c.user_id = u.id
    ),
    'conversation_files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_conversation_files as f
       where f.user_id = u.id
    ),
    'shared_pages', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'digest', 'reference'] order by s.id), '[]'::jsonb)
        from public.shared_conversations as s
       where s.user_id = u.id
    ),
    'web_sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['id', 'user_id', 'token_hash'] order by s.id), '[]'::jsonb)
        from public.user_sessions as s
       where s.user_id = u.id
    ),
    'logins', (
      select coalesce(
        jsonb_agg(
          to_jsonb(a) - array['public_hash', 'browser_hash', 'code', 'verifier', 'return_to', 'address_hash', 'user_id', 'session_hash']
          order by a.created_at
        ),
        '[]'::jsonb
      )
        from public.login_attempts as a
       where a.user_id = u.id
    ),
    'memory', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id', 'reference'] order by f.id), '[]'::jsonb)
        from public.ai_memory as f
       where f.user_id = u.id
    ),
    'memory_proposals', (
      select coalesce(jsonb_agg(to_jsonb(p) - array['id', 'user_id'] order by p.id), '[]'::jsonb)
        from public.ai_memory_proposals as p
       where p.user_id = u.id
    ),
    'requests', (
      select coalesce(jsonb_agg(to_jsonb(d) - 'user_id' order by d.day, d.bot), '[]')
        from public.daily_usage as d
       where d.user_id = u.id
    ),
    'months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month), '[]')
        from public.monthly_usage as m
       where m.user_id = u.id
    ),
    'ai_months', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id' order by m.month, m.provider, m.model), '[]')
        from public.monthly_api_usage as m
       where m.user_id = u.id
    ),
    'ai_calls', (
      select coalesce(jsonb_agg(to_jsonb(c.call) - array['id', 'user_id'] order by c.created_at, c.id), '[]')
        from (
          select a as call, a.created_at, a.id
            from public.api_usage as a
           where a.user_id = u.id
           order by a.created_at desc
           limit 10000
        ) as c
    ),
    'files', (
      select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]')
        from public.stored_files as f
       where f.user_id = u.id
    ),
    'keys', public.list_user_tokens(u.id),
    'balance', (
      select coalesce(jsonb_agg(to_jsonb(t) - 'user_id' order by t.id), '[]')
        from public.balance_transactions as t
       where t.user_id = u.id
    ),
    'subscriptions', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.id), '[]')
        from public.subscriptions as s
       where s.user_id = u.id
    ),
    'grants', (
      select coalesce(jsonb_agg(to_jsonb(g) - array['id', 'user_id'] order by g.id), '[]')
        from public.service_grants as g
       where g.user_id = u.id
    ),
    'trainings', jsonb_build_object(
      'given', (
        select coalesce(jsonb_agg(to_jsonb(f) - array['id', 'user_id'] order by f.id), '[]'::jsonb)
          from public.free_trainings as f
         where f.user_id = u.id
      ),
      'used', (
        select coalesce(jsonb_agg(to_jsonb(a) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
          from public.access_usages as a
         where a.user_id = u.id
      ),
      'sessions', (
        select coalesce(
            jsonb_agg(to_jsonb(t) - array['user_id', 'rules', 'turn_reference', 'turn_lease_until'] order by t.id),
            '[]'::jsonb
          )
          from public.trainings as t
         where t.user_id = u.id
      ),
      'turns', (
        select coalesce(jsonb_agg(to_jsonb(r) - 'id' order by r.training_id, r.position), '[]'::jsonb)
          from public.trainings as t
          join public.training_turns as r on r.training_id = t.id
         where t.user_id = u.id
      ),
      'review_drafts', (
        select coalesce(
            jsonb_agg(to_jsonb(v) - array['user_id', 'lease_reference', 'lease_until'] order by v.id), '[]'::jsonb
          )
          from public.review_drafts as v
         where v.user_id = u.id
      ),
      'disputes', (
        select coalesce(jsonb_agg(to_jsonb(d) - array['turn_id', 'user_id'] order by d.id), '[]'::jsonb)
          from public.training_disputes as d
         where d.user_id = u.id
      ),
      'history', (
        select coalesce(jsonb_agg(to_jsonb(h) - array['id', 'user_id'] order by h.id), '[]'::jsonb)
          from public.training_history as h
         where h.user_id = u.id
      )
    ),
    'teams', private.teams_section(u.id),
    'xp', private.xp_section(u.id),
    'quiz', private.quiz_section(u.id),
    'courses', private.courses_section(u.id),
    'reminders', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['user_id', 'asked_by'] order by r.due_at, r.id), '[]'::jsonb)
        from public.reminders as r
       where r.user_id = u.id
    ),
    'generations', private.generations_section(u.id),
    'payments', private.payments_section(u),
    'promocodes', jsonb_build_object(
      'redeemed', (
        select coalesce(jsonb_agg(to_jsonb(p) - 'user_id' order by p.created_at, p.promocode_id), '[]'::jsonb)
          from public.promocode_usages as p
         where p.user_id = u.id
      ),
      'attempts', (select to_jsonb(t) - 'user_id' from public.promocode_attempts as t where t.user_id = u.id)
    ),
    'referrals', jsonb_build_object(
      'invited_by', (
        select to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referrer_credits']
          from public.user_referrals as r
         where r.referred_id = u.id
      ),
      'invited', (
        select coalesce(
            jsonb_agg(
              to_jsonb(r) - array['id', 'referrer_id', 'referred_id', 'referred_credits'] order by r.id
            ),
            '[]'
          )
          from public.user_referrals as r
         where r.referrer_id = u.id
      )
    ),
    'admins', (
      select coalesce(jsonb_agg(to_jsonb(l) - array['user_id', 'admin_email'] order by l.id), '[]')
        from public.audit_log as l
       where l.user_id = u.id
    ),
    'updates', (
      select coalesce(
          jsonb_agg(to_jsonb(t) - array['user_id', 'delivery'] order by t.received_at, t.update_id), '[]'
        )
        from public.telegram_updates as t
       where t.user_id = u.id
    ),
    'unsent', (
      select coalesce(jsonb_agg(to_jsonb(o) order by o.id), '[]')
        from public.telegram_outbox as o
       where o.chat_id = u.telegram_id
    )
  )
  from public.users as u
  where u.id = p_user_id;
$$;

revoke all on function private.user_data_sections from public, anon, authenticated, service_role;
comment on function private.user_data_sections is 'Collects all data stored about a user except the conversation';

-- Stores what the user chose in the chat about a login. Only the number on the page confirms it; a wrong one, or null for
-- "It's not me", refuses it for good.
--
-- Concurrency: the row is locked, so the first choice counts; a repetition of it gets the same answer.
-- Locks: login.
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

-- Deletes sessions that have ended, logins older than a day, and proofs that are too old to be accepted.
--
-- Concurrency: rows that another sweep has locked are skipped.
-- Locks: sessions, then logins, then proofs (FOR UPDATE SKIP LOCKED).
-- Returns: integer, how many; p_limit of each kind at most.
-- Errors: none.
create or replace function private.delete_old_logins(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_deleted integer;
begin
  with
    sessions as (
      select s.id from public.user_sessions as s where s.expires_at <= v_now
       order by s.expires_at limit p_limit for update skip locked
    ),
    attempts as (
      select a.public_hash from public.login_attempts as a where a.created_at < v_now - interval '1 day'
       order by a.created_at limit p_limit for update skip locked
    ),
    proofs as (
      select p.proof_hash from public.login_proofs as p where p.expires_at <= v_now
       order by p.expires_at limit p_limit for update skip locked
    ),
    ended as (delete from public.user_sessions as s using sessions as o where s.id = o.id returning 1),
    old as (delete from public.login_attempts as a using attempts as o where a.public_hash = o.public_hash returning 1),
    used as (delete from public.login_proofs as p using proofs as o where p.proof_hash = o.proof_hash returning 1)
  select (select count(*) from ended) + (select count(*) from old) + (select count(*) from used) into v_deleted;
  return v_deleted;
end
$$;

revoke all on function private.delete_old_logins from public, anon, authenticated, service_role;
comment on function private.delete_old_logins is 'Deletes sessions, logins and proofs that are over';

-- Ends sessions of a user: the one with this id, or all but p_except where the id is null.
--
-- Concurrency: a repeated call finds nothing to end.
-- Locks: sessions of the user.
-- Returns: jsonb
--   ended: int
-- Errors: none.
create or replace function public.end_user_sessions(p_user_id bigint, p_session_id bigint, p_except bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ended integer;
begin
  delete from public.user_sessions as s
   where s.user_id = p_user_id
     and case when p_session_id is null then s.id is distinct from p_except else s.id = p_session_id end;
  get diagnostics v_ended = row_count;
  return jsonb_build_object('ended', v_ended);
end
$$;

revoke all on function public.end_user_sessions from public, anon, authenticated, service_role;
grant execute on function public.end_user_sessions to bot_backend;
comment on function public.end_user_sessions is 'Ends sessions of a user';

-- Finds the session of a token, with what pages need of its user. Prolongs it, at most every five minutes.
--
-- Concurrency: two pages at once write the same.
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
  v_session public.user_sessions;
  v_user public.users;
begin
  select s.* into v_session from public.user_sessions as s where s.token_hash = p_token_hash and s.expires_at > v_now;
  if not found then
    return '{"session": null}'::jsonb;
  end if;
  select u.* into v_user from public.users as u where u.id = v_session.user_id;
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

-- Answers the page that waits for a login through the bot, and opens the session once the user has confirmed it.
--
-- Concurrency: the row is locked, so one login opens one session; a repeated call with the same token gets the same answer.
-- Locks: login, user (SHARE), session.
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
  v_attempt public.login_attempts;
  v_session jsonb;
begin
  select a.* into v_attempt
    from public.login_attempts as a
   where a.browser_hash = p_browser_hash and a.way = 'bot'
     for update;
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  elsif v_attempt.session_hash is distinct from p_token_hash and v_attempt.session_hash is not null then
    return jsonb_build_object('outcome', 'used');
  elsif v_attempt.expires_at <= private.clock() then
    return jsonb_build_object('outcome', 'expired');
  elsif v_attempt.decided_at is null then
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

-- Takes a login with "Log in with Telegram" when the browser comes back, so that its `state` works once. The session is opened
-- by public.log_in, when Telegram has said who the user is.
--
-- Concurrency: the row is deleted in the same statement, so of two calls one gets it.
-- Locks: login.
-- Returns: jsonb
--   outcome: 'taken' | 'unknown'      (unknown: never begun, by another browser, too late, or taken already)
--   verifier?: text                   (taken, as the other)
--   return_to?: text
-- Errors: none.
create or replace function public.finish_redirect(p_public_hash bytea, p_browser_hash bytea)
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
  return jsonb_build_object('outcome', 'taken', 'verifier', v_attempt.verifier, 'return_to', v_attempt.return_to);
end
$$;

revoke all on function public.finish_redirect from public, anon, authenticated, service_role;
grant execute on function public.finish_redirect to bot_backend;
comment on function public.finish_redirect is 'Takes a login with "Log in with Telegram" when the browser comes back';

-- Lists the devices on which a user is logged in, the last used first.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: int
--     way: text
--     device: text
--     created_at: timestamptz
--     last_seen_at: timestamptz
--   } ]
-- Errors: none.
create or replace function public.list_user_sessions(p_user_id bigint)
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object(
        'id', s.id, 'way', s.way, 'device', s.device, 'created_at', s.created_at, 'last_seen_at', s.last_seen_at
      )
      order by s.last_seen_at desc, s.id desc
    ),
    '[]'::jsonb
  )
    from (
      select s.*
        from public.user_sessions as s
       where s.user_id = p_user_id and s.expires_at > private.clock()
       order by s.last_seen_at desc, s.id desc
       limit 100
    ) as s;
$$;

revoke all on function public.list_user_sessions from public, anon, authenticated, service_role;
grant execute on function public.list_user_sessions to bot_backend;
comment on function public.list_user_sessions is 'Lists the devices on which a user is logged in';

-- Opens a session for a Telegram account that Telegram itself has vouched for. Creates the user if no bot has seen the account,
-- and stores the names that Telegram reports.
--
-- p_telegram_user {id, first_name?, last_name?, username?, language_code?}; p_proof_hash: of the signature, which is accepted once
-- until p_proof_expires_at; null where the login itself happens once (the code flow).
--
-- Concurrency: two calls with one proof meet in its primary key, and one opens a session; a repeated call with the same token gets
--   the same answer.
-- Locks: user (NO KEY UPDATE), proof, session.
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
  if p_proof_hash is not null then
    insert into public.login_proofs (proof_hash, session_hash, expires_at)
    values (p_proof_hash, p_token_hash, p_proof_expires_at)
    on conflict (proof_hash) do nothing;
    select p.* into v_proof from public.login_proofs as p where p.proof_hash = p_proof_hash;
    if v_proof.session_hash is distinct from p_token_hash then
      return jsonb_build_object('outcome', 'replayed');
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

-- Opens a session of a user. An admin's session is shorter: 12 hours without a page, 7 days at most; other sessions 14 and 90
-- days. Admins get a message about every session but a Mini App's, in which Telegram itself vouches for the device.
--
-- Concurrency: the user's row is locked, so a ban at the same time ends the session or prevents it. A repeated call with the same
--   token changes nothing.
-- Locks: user (SHARE), session.
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
    p_token_hash, p_user_id, p_way, p_device, v_now, v_now, v_now + private.session_idle(v_user.is_admin),
    v_now + case when v_user.is_admin then interval '7 days' else interval '90 days' end
  )
  on conflict (token_hash) do nothing;
  if found and v_user.is_admin and p_way <> 'mini_app' then
    v_messages := private.notify_user(
      p_user_id, 'login_notice', jsonb_build_object('device', p_device),
      '[[{"key": "login_end_all", "data": "login!all"}]]'
    );
  end if;
  return jsonb_build_object('outcome', 'opened', 'messages', v_messages);
end
$$;

revoke all on function private.open_user_session from public, anon, authenticated, service_role;
comment on function private.open_user_session is 'Opens a session of a user';

-- Returns a login through the bot for the question in the chat: whether it can be confirmed still, the browser, and three numbers
-- of which one is on the page. They are the same with each call.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'open' | 'expired' | 'decided' | 'unknown'
--   device?: text          (open, as the other)
--   codes?: [ int ]
-- Errors: none.
create or replace function public.read_login(p_public_hash bytea)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_attempt public.login_attempts;
  v_codes jsonb;
begin
  select a.* into v_attempt from public.login_attempts as a where a.public_hash = p_public_hash and a.way = 'bot';
  if not found then
    return jsonb_build_object('outcome', 'unknown');
  elsif v_attempt.decided_at is not null then
    return jsonb_build_object('outcome', 'decided');
  elsif v_attempt.expires_at <= private.clock() then
    return jsonb_build_object('outcome', 'expired');
  end if;
  -- The order depends on the hash, which the browser's owner cannot choose freely and the user cannot see.
  select jsonb_agg(c.code order by sha256(p_public_hash || convert_to(c.code::text, 'UTF8'))) into v_codes
    from (
      select v_attempt.code as code
      union all
      (
        select n.code
          from generate_series(10, 99) as n (code)
         where n.code <> v_attempt.code
         order by sha256(v_attempt.browser_hash || convert_to(n.code::text, 'UTF8'))
         limit 2
      )
    ) as c;
  return jsonb_build_object('outcome', 'open', 'device', v_attempt.device, 'codes', v_codes);
end
$$;

revoke all on function public.read_login from public, anon, authenticated, service_role;
grant execute on function public.read_login to bot_backend;
comment on function public.read_login is 'Returns a login through the bot for the question in the chat';

-- Returns after how long without a page a session ends.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: interval
-- Errors: none.
create or replace function private.session_idle(p_is_admin boolean)
returns interval
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case when p_is_admin then interval '12 hours' else interval '14 days' end;
$$;

revoke all on function private.session_idle from public, anon, authenticated, service_role;
comment on function private.session_idle is 'Returns after how long without a page a session ends';

-- Begins a login of a browser. Of one network address at most ten are begun in an hour.
--
-- p_way: 'bot' or 'telegram', which needs p_verifier. p_seconds: how long it may take.
--
-- Concurrency: a repeated call finds its row and returns the same code. Calls of one address at once may exceed the limit by as
--   many as they are.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'started' | 'limited'
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
  v_code smallint;
begin
  select a.code into v_code from public.login_attempts as a where a.public_hash = p_public_hash;
  if found then
    return jsonb_build_object('outcome', 'started', 'code', v_code);
  elsif (
    select count(*) >= 10
      from public.login_attempts as a
     where a.address_hash = p_address_hash and a.created_at > v_now - interval '1 hour'
  ) then
    return jsonb_build_object('outcome', 'limited');
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

-- Releases what crashed workers hold, and deletes what is past its retention: requests reserved by updates that are
-- older than ten minutes and have no lease, finished and dead-lettered updates, messages, and request counters of
-- erased users. Also ends expired subscriptions, creates and drops partitions of api_usage, and enqueues alarms of
-- admins who wrote to a bot for the first time, and deletes the boards of past days and weeks, and old quizzes, rounds in
-- groups, reviews of conversations, proposed facts, shared pages, and what is
-- over of the console's logins. p_limit: the most rows of each kind.
--
-- Concurrency: rows that another sweep or a worker has locked are skipped.
-- Locks: as the functions it calls, in their order here; each skips locked rows.
-- Returns: jsonb
--   { [text]: int }        (how many of each kind, at most p_limit: released, updates, messages, erased, subscriptions,
--                          months, alarms, boards, quizzes, rounds, reviews, proposals, pages, logins)
-- Errors: none.
create or replace function public.sweep(p_limit integer default 1000)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'released', private.release_stale_requests(p_limit),
    'updates', private.delete_old_updates(p_limit),
    'messages', private.delete_old_messages(p_limit),
    'erased', private.expire_tombstones(p_limit),
    'subscriptions', private.expire_subscriptions(p_limit),
    'months', private.maintain_usage_partitions(),
    'alarms', private.enqueue_waiting_alarms(p_limit),
    'boards', private.delete_old_boards(p_limit),
    'quizzes', private.delete_old_quiz_runs(p_limit),
    'rounds', private.delete_old_quiz_rounds(p_limit),
    'reviews', private.delete_old_reviews(p_limit),
    'proposals', private.delete_old_proposals(p_limit),
    'pages', private.delete_old_shared_conversations(p_limit),
    'logins', private.delete_old_logins(p_limit)
  );
end
$$;

revoke all on function public.sweep from public, anon, authenticated, service_role;
grant execute on function public.sweep to bot_backend;
comment on function public.sweep is 'Releases stale reservations and deletes what is past its retention';

CREATE TRIGGER users_end_sessions AFTER UPDATE OF banned_at, is_admin ON public.users FOR EACH ROW WHEN ((((old.banned_at IS NULL) <> (new.banned_at IS NULL)) OR (old.is_admin <> new.is_admin))) EXECUTE FUNCTION private.end_sessions();
