-- Access modes.

alter table public.users add column is_waiting boolean default false not null;

-- Trigger of users: sets is_admin and is_paid of a new user who is already in the table admins, and is_waiting of others while the
-- bots take no new users (setting access_mode).
--
-- Concurrency: changes only the row that is being stored.
-- Locks: none.
-- Returns: trigger, the row.
-- Errors: none.
create or replace function private.mark_new_admin()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  new.is_admin := exists (select from public.admins as a where a.telegram_id = new.telegram_id);
  new.is_paid := new.is_admin or new.is_paid;
  new.is_waiting := not new.is_admin and private.setting('access_mode') <> 'open';
  return new;
end
$$;

revoke all on function private.mark_new_admin from public, anon, authenticated, service_role;
comment on function private.mark_new_admin is 'Sets is_admin and is_paid of a new user who is an admin';

-- Decides whether a user who came while the bots took no new users is served by now: the bots take all again, or the user opened
-- a link that lets them in. Invite links of users and of teams do where new users come by invitation; an invitation to the staff
-- always does.
--
-- Concurrency: the change of the user is the same from every call.
-- Locks: the user (NO KEY UPDATE) who is let in.
-- Returns: text, why the user is not served: 'invite' | 'closed'; null: the user is served.
-- Errors: none.
create or replace function private.waiting_gate(p_user public.users, p_text text)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_mode constant text := private.setting('access_mode');
  v_link constant text := substring(p_text from '^/start(?:@\w+)?\s+(\w[\w-]{0,63})$');
begin
  if v_mode = 'open' then
    return null;
  end if;
  if v_link is not null and (
    (v_mode = 'invite' and exists (
      select from public.users as u
       where u.referral_code = lower(substring(v_link from '^ref_(.+)$'))
         and u.id <> p_user.id and not u.is_waiting and u.banned_at is null
    ))
    or (v_mode = 'invite' and exists (select from public.teams as t where t.code = substring(v_link from '^team_(.+)$')))
    or exists (
      select from public.staff_invitations as i
       where i.token_hash = sha256(convert_to(substring(v_link from '^staff_(.+)$'), 'UTF8'))
         and i.accepted_at is null and i.canceled_at is null and i.expires_at > private.clock()
    )
  ) then
    update public.users as u set is_waiting = false where u.id = p_user.id;
    return null;
  end if;
  return v_mode;
end
$$;

revoke all on function private.waiting_gate from public, anon, authenticated, service_role;
comment on function private.waiting_gate is 'Decides whether a user who came while the bots took no new users is served by now';

-- Shows whom the bots serve, and changes it in an admin's name: maintenance (admins only), and whether new users are served.
--
-- Concurrency: the settings are locked, so of two changes at once the audit log has both in order. With a reference it acts once.
-- Locks: the rows of the two settings (NO KEY UPDATE).
-- Returns: jsonb
--   mode: 'open' | 'invite' | 'closed'
--   maintenance: boolean
-- Errors: N0001 not an admin; N0003 the reference was used with another action; N0004 no such mode.
create or replace function public.admin_set_access(
  p_admin_email text, p_mode text default null, p_maintenance boolean default null, p_reference text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email constant text := private.require_admin(p_admin_email);
  v_before jsonb;
  v_after jsonb;
  v_known public.audit_log;
begin
  if p_mode not in ('open', 'invite', 'closed') then
    raise exception 'no such mode' using errcode = 'N0004';
  end if;
  perform from private.settings as s where s.key in ('access_mode', 'maintenance') order by s.key for no key update;
  v_before := jsonb_build_object(
    'mode', private.setting('access_mode'), 'maintenance', private.setting('maintenance')::boolean
  );
  v_known := private.find_audit_entry(p_reference, 'set_access', null);
  if v_known.id is not null then
    return v_before;
  end if;
  v_after := jsonb_build_object(
    'mode', coalesce(p_mode, v_before ->> 'mode'),
    'maintenance', coalesce(p_maintenance, (v_before ->> 'maintenance')::boolean)
  );
  if v_after <> v_before then
    update private.settings as s
       set value = case s.key when 'access_mode' then v_after -> 'mode' else v_after -> 'maintenance' end
     where s.key in ('access_mode', 'maintenance');
    perform private.write_audit(v_email, 'set_access', null, p_reference, v_before, v_after);
  end if;
  return v_after;
end
$$;

revoke all on function public.admin_set_access from public, anon, authenticated, service_role;
grant execute on function public.admin_set_access to bot_backend;
comment on function public.admin_set_access is 'Shows and changes whom the bots serve';

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

-- Stores an update, drops duplicates, takes the lease and loads everything a handler needs: the first database call
-- of an update.
--
-- While a session awaits an API key (session_data.awaiting is "key:<provider>"), the text of a message is never
-- stored, because a key may have any format. A worker that takes over finds [hidden] in its place and asks for the
-- key again.
-- p_telegram_user: Telegram's User, and in hash the key of its tombstone in erased_users. p_thread: the topic of a
-- chat that has topics, with its own session and conversation; 0 elsewhere. p_reserve: reserve an AI request, whose
-- cost is p_cost US dollars at most. p_history and p_history_characters limit the conversation that is loaded; the
-- plan may limit it further. p_answer_tokens: the longest answer, for the cost of a conversation with a model of its own.
-- p_message: what the conversation of the messenger shows of the update (private.record_incoming_message); null where the bot
-- has no messenger. While a human answers, no AI request is reserved.
-- The result is json and not jsonb: private.recent_messages builds the history as text.
--
-- Concurrency: deliveries of one update are serialized by private.claim_update. A worker that takes over from a
--   crashed one finds its request still reserved and reserves no second one; the quota day stays that of the first
--   attempt. An update that was received before its user was erased is over and does not create the user again.
--   The commit of a new update does not wait for the disk, because the next commit that waits (finish_update, or a change
--   of the handler before it) makes both durable. If the server crashes before that, nothing was answered yet:
--   finish_update finds no row and answers superseded, and Telegram delivers the update again.
--   If that delivery begins while the first worker still works, both have attempt 1: the changes of the first to finish
--   are committed, once, and both send their answer.
-- Locks: a known update row (FOR UPDATE), user (KEY SHARE; NO KEY UPDATE where its row changes), session, the row of a
--   new update, with p_message the conversation, then as private.claim_held_part and private.reserve_usage. As everywhere, a known update row comes
--   before its user.
-- Returns: json
--   outcome: 'work' | 'busy' | 'crash_limit' | 'finished'
--   attempt?: int          (work, crash_limit)
--   failures?: int         (work, crash_limit)
--   user?: {               (work; crash_limit: the two languages alone)
--     language: text | null, language_code: text,
--     id?: bigint, telegram_id?: bigint, is_new?: boolean, vip_level?: int, balance?: numeric, currency?: text,
--     level?: int, total_xp?: bigint,
--     price_currency?: text | null, created_at?: timestamptz, is_admin?: boolean, admin_email?: text | null,
--     memory_enabled?: boolean | null,
--     ban?: { reason: text | null, notified: boolean } | null,
--     gate?: 'maintenance' | 'invite' | 'closed' | null     (why the bots do not serve the user now)
--   }
--   session?: { mode: text, data: jsonb }     (work, as all that follows)
--   usage?: {
--     plan: text, features: [ text ], requests: int, daily_requests: int | null, resets_at: timestamptz,
--     month_requests: int, monthly_requests: int | null, month_resets_at: timestamptz, bonus_credits: int, timezone: text
--   }
--   reservation?: 'reserved' | 'user_api_key' | 'settled' | 'released' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost'
--     | 'user_month' | 'bot_month' | null
--                          (null: not asked for, a question of ours awaits its answer, or the user is banned)
--   releases_left?: int | null
--   user_api_key?: private.active_token | null     (the user's own API key, where p_reserve asks for the AI and nothing is
--                          reserved yet)
--   history?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first; at most p_history and what the plan allows,
--                          at most p_history_characters together)
--   conversation?: private.load_conversation | null    (work; null: the main one, without settings)
--   memory?: [ text ] | null                  (facts that the user lets the bot keep; only in the private chat)
--   edited_question?: text | null             (what the AI was asked before the user edited this message; history leaves it
--                          and its answer out)
--   messenger?: {
--     conversation_id: bigint, handler: 'bot' | 'human' | 'paused', takeovers: int, is_returned: boolean
--   } | null               (null: the bot has no messenger; is_returned: the bot answers again since this message)
--   is_old_edit?: boolean  (the user asked another question after the edited one, or it belongs to another conversation)
--   retry_after?: int      (busy: seconds)
--   answer?: jsonb         (finished: the stored answer; null once it is known to have arrived)
--   outgoing?: [ outbox_item ]   (finished: still to be delivered)
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_telegram_user jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0,
  p_thread bigint default 0,
  p_history_characters integer default null,
  p_cost numeric default 0,
  p_answer_tokens integer default null,
  p_message jsonb default null
)
returns json
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_known public.telegram_updates;
  v_claim record;
  v_user public.users;
  v_banned boolean;
  v_gate text;
  v_maintenance text;
  v_session public.bot_sessions;
  v_conversation jsonb;
  v_quota record;
  v_reserved record;
  v_user_api_key jsonb;
  v_edited bigint;
  v_edited_question text;
  v_is_old_edit boolean := false;
  v_is_counted boolean;
  v_releases_left integer;
  v_timezone text;
  v_currency text;
  v_expected text;
  v_expected_day date;
  v_expected_cost numeric;
  v_messenger jsonb;
begin
  -- Lock the update row before the user, as all functions do, to prevent deadlocks.
  select t.* into v_known
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if found and v_known.received_at >= v_now - interval '48 hours' and (
    not private.lock_user(v_known) or v_known.status in ('finished', 'dead_lettered')
  ) then
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  end if;
  v_user := private.upsert_user(p_telegram_user, v_now);
  v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
  -- In a mode that makes pictures, a text is no question to the AI.
  p_reserve := p_reserve and v_session.mode not like 'image:%';
  if v_session.session_data ->> 'awaiting' like 'key:%' and p_kind in ('message', 'edited_message') then
    -- Redact before the row is stored: earlier versions of a row stay in files and backups.
    p_payload := private.redact_update(p_payload, p_kind);
    p_message := p_message || '{"body": "[hidden]"}';
  end if;
  if v_session.session_data ? 'conversation' then
    v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
    -- The estimate of p_cost has at least 60,000 characters.
    p_cost := greatest(
      p_cost * (1 + coalesce((v_conversation ->> 'file_characters')::integer, 0) / 60000.0),
      (v_conversation ->> 'cost')::numeric
    );
  end if;
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  if p_message is not null then
    p_reserve := p_reserve and not private.is_human_answering(v_user.id, p_bot);
  end if;
  select
    (select s.value #>> '{}' from private.settings as s where s.key = 'quota_timezone'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'balance_currency'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'maintenance')
    into v_timezone, v_currency, v_maintenance;
  v_gate := case
    when v_user.is_admin then null
    when v_maintenance = 'true' then 'maintenance'
    when v_user.is_waiting then private.waiting_gate(v_user, p_payload #>> '{message,text}')
  end;
  p_reserve := p_reserve and v_gate is null;
  if p_reserve and not v_banned and v_known.bot is null and not v_session.session_data ?| array['awaiting', 'paste'] then
    v_user_api_key := private.active_token(v_user.id);
    -- What private.reserve_usage almost always decides is stored with the row, which saves a second write of it.
    if v_user_api_key is null then
      v_expected := 'reserved';
      v_expected_day := (v_now at time zone v_timezone)::date;
      v_expected_cost := p_cost;
    else
      v_expected := 'user_api_key';
    end if;
  end if;
  v_claim := private.claim_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now, p_thread,
    v_expected, v_expected_day, v_expected_cost
  );
  if v_claim.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_claim.lease_until - private.clock()))
    );
  elsif v_claim.outcome = 'finished' then
    -- Another delivery finished it concurrently, perhaps by erasing the user.
    if v_user.created_at = v_now then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    return private.replay_answer(p_bot, p_update_id, p_chat_id);
  elsif v_claim.outcome = 'crash_limit' then
    return json_build_object(
      'outcome', 'crash_limit', 'attempt', v_claim.attempt, 'failures', v_claim.crash_count,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  if v_claim.attempt > 1 then  -- the previous worker may have changed it while this one waited
    v_session := private.open_session(v_user.id, p_bot, p_chat_id, p_thread);
    if v_session.session_data ? 'conversation' then
      v_conversation := private.load_conversation(v_session, p_history_characters, p_answer_tokens, p_history > 0);
    end if;
  end if;
  if v_session.session_data ? 'paste' and p_kind in ('message', 'callback_query')
    and v_session.session_data -> 'paste' ->> 'update_id' is distinct from p_update_id::text
  then
    v_session.session_data := private.claim_held_part(v_session, p_lease_seconds);
  end if;
  if p_message is not null and not v_banned then
    v_messenger := case
      when v_claim.is_new then private.record_incoming_message(v_user.id, p_bot, p_message)
      else private.messenger_state(v_user.id, p_bot)
    end;
    if p_reserve and v_messenger ->> 'handler' <> 'bot' then  -- a human took over since p_reserve was decided
      p_reserve := false;
      if v_claim.is_new and v_expected is not null then
        update public.telegram_updates as t
           set reservation = null, reserved_on = null, reserved_from = null, reserved_cost = null
         where t.bot = p_bot and t.update_id = p_update_id;
        v_claim.reservation := null;
        v_user_api_key := null;
      end if;
    end if;
  end if;
  v_is_counted := coalesce(v_claim.reservation in ('reserved', 'settled'), false);
  if v_expected is null and p_reserve and not v_banned and not v_is_counted then
    v_user_api_key := private.active_token(v_user.id);
  end if;
  if p_reserve
    and not v_banned
    and not v_is_counted
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(
      v_user.id, p_bot, p_update_id, p_cost, v_user_api_key is not null, v_timezone
    );
    v_releases_left := v_reserved.releases_left;
    v_user.bonus_credits := v_user.bonus_credits - coalesce((v_reserved.reserved_from = 'bonus')::integer, 0);
    v_claim.reservation := v_reserved.reservation;
    if not v_claim.is_new or v_reserved.reservation is distinct from v_expected
      or v_reserved.reserved_on is distinct from v_expected_day or v_reserved.reserved_from = 'bonus'
    then
      update public.telegram_updates as t
         set reservation = v_claim.reservation,
             reserved_on = v_reserved.reserved_on,
             reserved_from = v_reserved.reserved_from,
             reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
       where t.bot = p_bot and t.update_id = p_update_id;
    end if;
    if v_reserved.plan is not null then
      v_quota := v_reserved;
    end if;
  end if;
  if p_kind = 'edited_message' then
    v_edited := (p_payload -> 'edited_message' ->> 'message_id')::bigint;
    select m.content, m.conversation_id <> coalesce((v_conversation ->> 'messages_id')::bigint, 0)
      into v_edited_question, v_is_old_edit
      from public.messages as m
     where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
       and m.message_id = v_edited and m.role = 'user'
     limit 1;
    v_is_old_edit := coalesce(v_is_old_edit, false) or coalesce((
      select m.message_id > v_edited
        from public.messages as m
       where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
         and m.conversation_id = coalesce((v_conversation ->> 'messages_id')::bigint, 0) and m.role = 'user'
       order by m.id desc
       limit 1
    ), false);
  end if;
  if v_quota is null then
    v_quota := private.quota(v_user.id, v_user.vip_level, v_timezone);
  end if;
  if v_claim.is_new then
    perform set_config('synchronous_commit', 'off', true);
  end if;

  return json_build_object(
    'outcome', 'work',
    'attempt', v_claim.attempt,
    'failures', v_claim.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_session.created_at >= v_claim.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'level', v_user.level,
      'total_xp', v_user.total_xp,
      'currency', v_currency,
      'price_currency', v_user.price_currency,
      'created_at', v_user.created_at,
      'memory_enabled', v_user.memory_enabled,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from private.admin_accounts() as a where a.telegram_id = v_user.telegram_id
      ) end,
      'gate', v_gate,
      'ban', case when v_banned then json_build_object(
        'reason', v_user.ban_reason, 'notified', v_user.ban_notified
      ) end
    ),
    'session', json_build_object('mode', v_session.mode, 'data', v_session.session_data),
    'usage', json_build_object(
      'plan', v_quota.plan,
      'features', v_quota.features,
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'month_requests', v_quota.month_requests,
      'monthly_requests', v_quota.monthly_requests,
      'month_resets_at', v_quota.month_resets_at,
      'bonus_credits', v_user.bonus_credits,
      'timezone', v_quota.timezone
    ),
    'reservation', v_claim.reservation,
    'releases_left', v_releases_left,
    'user_api_key', v_user_api_key,
    'history', case
      when p_history > 0 and not v_banned then private.recent_messages(
        v_user.id, p_bot, p_chat_id, p_thread, least(p_history, v_quota.history_length), v_edited,
        p_history_characters, coalesce((v_conversation ->> 'messages_id')::bigint, 0),
        coalesce((v_conversation ->> 'summary_until')::bigint, 0)
      )
      else '[]'::json
    end,
    'conversation', v_conversation,
    'memory', case
      when v_user.memory_enabled and p_history > 0 and p_chat_id > 0 then private.load_memory(v_user.id, p_bot)
    end,
    'messenger', v_messenger,
    'edited_question', v_edited_question,
    'is_old_edit', v_is_old_edit
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

comment on column public.users.is_waiting is 'Came while the bots took no new users (setting access_mode): served once a link lets them in, or access_mode is open';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "access_mode", "about": "Which new users the bots serve: open (all), invite (those who come by a user''s invite link), closed (none); an admin switches it with /access", "value": "open"}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "maintenance", "about": "Whether the bots serve admins only, for a while; an admin switches it with /access", "value": false}') on conflict do nothing;
