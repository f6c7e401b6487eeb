-- Reduce the Postgres CPU of an update: fewer statements and functions on its way, one constraint per table.
-- Locks: api_usage, bot_sessions, daily_totals, daily_usage, monthly_api_usage, monthly_usage and telegram_updates
-- exclusively, without reading their rows: the new constraints are checked by the next migration, which blocks no other transaction.
-- The functions dropped here are private or made again below; each constraint is part of the merged one of its table.
-- squawk-ignore-file ban-drop-function, ban-drop-constraint

drop function private.claim_update(p_bot text, p_update_id bigint, p_delivery uuid, p_kind text, p_chat_id bigint, p_user_id bigint, p_payload jsonb, p_lease_seconds integer, p_now timestamp with time zone, p_thread bigint, OUT outcome text, OUT attempt integer, OUT failures integer, OUT crash_count integer, OUT reservation text, OUT received_at timestamp with time zone, OUT lease_until timestamp with time zone);

drop function private.is_within_bot_cost_limit(p_bot text, p_day date, p_cost numeric, p_limit numeric);

drop function private.quota(p_user_id bigint, p_vip_level integer, OUT plan text, OUT features text[], OUT history_length integer, OUT day date, OUT requests integer, OUT daily_requests integer, OUT resets_at timestamp with time zone, OUT month date, OUT month_requests integer, OUT monthly_requests integer, OUT month_resets_at timestamp with time zone, OUT timezone text);

drop function private.recent_messages(p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_limit integer, p_without bigint, p_characters integer);

drop function private.reserve_usage(p_user_id bigint, p_bot text, p_update_id bigint, p_cost numeric, p_is_user_api_key boolean, OUT reservation text, OUT reserved_on date, OUT reserved_from text, OUT releases_left integer, OUT plan text, OUT features text[], OUT history_length integer, OUT requests integer, OUT daily_requests integer, OUT resets_at timestamp with time zone, OUT month_requests integer, OUT monthly_requests integer, OUT month_resets_at timestamp with time zone, OUT timezone text);

drop function public.receive_update(p_bot text, p_update_id bigint, p_delivery uuid, p_kind text, p_chat_id bigint, p_telegram_user jsonb, p_payload jsonb, p_lease_seconds integer, p_reserve boolean, p_history integer, p_thread bigint, p_history_characters integer, p_cost numeric);

alter table public.api_usage drop constraint api_usage_cost_check;

alter table public.api_usage drop constraint api_usage_kind_check;

alter table public.api_usage drop constraint api_usage_ms_check;

alter table public.api_usage drop constraint api_usage_request_bytes_check;

alter table public.api_usage drop constraint api_usage_response_bytes_check;

alter table public.api_usage drop constraint api_usage_tokens_in_check;

alter table public.api_usage drop constraint api_usage_tokens_out_check;

alter table public.bot_sessions drop constraint bot_sessions_session_data_check;

alter table public.bot_sessions drop constraint bot_sessions_stats_data_check;

alter table public.daily_totals drop constraint daily_totals_calls_check;

alter table public.daily_totals drop constraint daily_totals_cost_check;

alter table public.daily_totals drop constraint daily_totals_errors_check;

alter table public.daily_totals drop constraint daily_totals_ms_check;

alter table public.daily_totals drop constraint daily_totals_new_users_check;

alter table public.daily_totals drop constraint daily_totals_requests_check;

alter table public.daily_totals drop constraint daily_totals_shard_check;

alter table public.daily_totals drop constraint daily_totals_tokens_in_check;

alter table public.daily_totals drop constraint daily_totals_tokens_out_check;

alter table public.daily_usage drop constraint daily_usage_bonus_requests_check;

alter table public.daily_usage drop constraint daily_usage_releases_check;

alter table public.daily_usage drop constraint daily_usage_requests_check;

alter table public.daily_usage drop constraint daily_usage_user_api_key_requests_check;

alter table public.monthly_api_usage drop constraint monthly_api_usage_calls_check;

alter table public.monthly_api_usage drop constraint monthly_api_usage_cost_check;

alter table public.monthly_api_usage drop constraint monthly_api_usage_day_cost_check;

alter table public.monthly_api_usage drop constraint monthly_api_usage_errors_check;

alter table public.monthly_api_usage drop constraint monthly_api_usage_month_check;

alter table public.monthly_api_usage drop constraint monthly_api_usage_ms_check;

alter table public.monthly_api_usage drop constraint monthly_api_usage_tokens_in_check;

alter table public.monthly_api_usage drop constraint monthly_api_usage_tokens_out_check;

alter table public.monthly_usage drop constraint monthly_usage_bonus_requests_check;

alter table public.monthly_usage drop constraint monthly_usage_month_check;

alter table public.monthly_usage drop constraint monthly_usage_requests_check;

alter table public.telegram_updates drop constraint telegram_updates_reservation_check;

alter table public.telegram_updates drop constraint telegram_updates_reserved_cost_check;

alter table public.telegram_updates drop constraint telegram_updates_reserved_from_check;

alter table public.telegram_updates drop constraint telegram_updates_status_check;

-- Returns the current time. The only function that reads the clock, so that tests can replace it (which only its owner can do).
--
-- Concurrency: reads and changes no data.
-- Locks: none.
-- Returns: timestamptz, the wall-clock time, which also advances within a statement.
-- Errors: none.
create or replace function private.clock()
returns timestamptz
language sql
volatile
security invoker
as $$
  select clock_timestamp();
$$;

revoke all on function private.clock from public, anon, authenticated, service_role;
comment on function private.clock is 'The current time; tests replace it to move time';

-- Reads a setting of the installation (private.settings).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, the setting's value (a JSON list or object as its text); null if there is no setting of this name.
-- Errors: none.
create or replace function private.setting(p_key text)
returns text
language plpgsql
stable
security invoker
as $$
begin
  return (
    select s.value #>> '{}' from private.settings as s where s.key = p_key
  );
end
$$;

revoke all on function private.setting from public, anon, authenticated, service_role;
comment on function private.setting is 'A setting of the installation as text';

-- Returns what a user may still ask today and this month, over all bots. p_timezone: the setting quota_timezone, from
-- a caller that has read it.
--
-- Concurrency: read-only. A caller that spends a request locks the user's row first.
-- Locks: none.
-- Returns: record, plan (NONE, which allows nothing, when no plan covers the level), its features and history_length;
--   for the day and the month, in the time zone quota_timezone: start, end, requests used from the plan and allowed
--   (null: no limit); timezone; failed requests that were released on the day.
-- Errors: none.
create or replace function private.quota(
  p_user_id bigint,
  p_vip_level integer,
  p_timezone text default null,
  out plan text,
  out features text[],
  out history_length integer,
  out day date,
  out requests integer,
  out daily_requests integer,
  out resets_at timestamptz,
  out month date,
  out month_requests integer,
  out monthly_requests integer,
  out month_resets_at timestamptz,
  out timezone text,
  out releases integer
)
returns record
language plpgsql
volatile
security invoker
as $$
begin
  timezone := coalesce(p_timezone, private.setting('quota_timezone'));
  day := (private.clock() at time zone timezone)::date;
  resets_at := (day + 1)::timestamp at time zone timezone;
  month := date_trunc('month', day::timestamp)::date;
  month_resets_at := (month + interval '1 month') at time zone timezone;
  select l.plan, l.features, l.history_length, l.daily_requests, l.monthly_requests, d.requests, d.releases,
    coalesce(
      (select m.requests from public.monthly_usage as m where m.user_id = p_user_id and m.month = quota.month), 0
    )
    into plan, features, history_length, daily_requests, monthly_requests, requests, releases, month_requests
    from (
      select coalesce(sum(u.requests), 0) as requests, coalesce(sum(u.releases), 0) as releases
        from public.daily_usage as u
       where u.user_id = p_user_id and u.day = quota.day
    ) as d
    left join (
      select s.*
        from public.subscription_limits as s
       where s.vip_level <= p_vip_level
       order by s.vip_level desc
       limit 1
    ) as l on true;
  if plan is null then
    -- The plan was deleted: allow nothing, because null would mean no limit.
    plan := 'NONE';
    features := '{}';
    daily_requests := 0;
  end if;
end
$$;

revoke all on function private.quota from public, anon, authenticated, service_role;
comment on function private.quota is 'Returns what a user may still ask today and this month';

-- Finds the user of a Telegram account, or creates it, and stores what Telegram reports about the account now.
-- p_telegram_user: Telegram's User; its hash, if it has one, is the key of the tombstone of an erased user, which is
-- applied to a new row.
--
-- Concurrency: two first updates at once meet in the unique telegram_id, and both get the one row. Nothing is written
--   while nothing changed, except last_activity every five minutes. The transaction that creates the row counts the
--   new user in daily_totals. A row that another service created (has_started is false) becomes new once: of two
--   first updates the second waits for the row's lock and finds it started.
-- Locks: user, only where something changed; for a new user then as private.count_new_user and
--   private.apply_tombstone.
-- Returns: public.users, the row.
-- Errors: none.
create or replace function private.upsert_user(p_telegram_user jsonb, p_now timestamptz)
returns public.users
language plpgsql
volatile
security invoker
as $$
declare
  v_telegram_id bigint := (p_telegram_user ->> 'id')::bigint;
  v_user public.users;
  v_stored record;
  v_is_new boolean;
begin
  select u.* into v_user from public.users as u where u.telegram_id = v_telegram_id;
  if found
    and v_user.last_activity > p_now - interval '5 minutes'
    and v_user.username is not distinct from p_telegram_user ->> 'username'
    and v_user.first_name = coalesce(p_telegram_user ->> 'first_name', '')
    and v_user.last_name is not distinct from p_telegram_user ->> 'last_name'
    and v_user.language_code = coalesce(p_telegram_user ->> 'language_code', v_user.language_code)
    and v_user.has_started
  then
    return v_user;
  end if;

  insert into public.users as u
    (telegram_id, username, first_name, last_name, language_code, created_at, last_activity, active_on)
  values (
    v_telegram_id, p_telegram_user ->> 'username', coalesce(p_telegram_user ->> 'first_name', ''),
    p_telegram_user ->> 'last_name', coalesce(p_telegram_user ->> 'language_code', private.default_language()), p_now, p_now,
    (p_now at time zone private.setting('quota_timezone'))::date
  )
  on conflict (telegram_id) do update
    set username = excluded.username,
        first_name = excluded.first_name,
        last_name = excluded.last_name,
        language_code = coalesce(p_telegram_user ->> 'language_code', u.language_code),
        last_activity = greatest(u.last_activity, excluded.last_activity),
        active_on = greatest(u.active_on, excluded.active_on)
  -- xmax is 0 for an inserted row, and this transaction for a row that existed and was locked.
  returning u as user_row, u.xmax = 0 as is_new into v_stored;
  v_user := v_stored.user_row;
  v_is_new := v_stored.is_new or not v_user.has_started;
  if not v_user.has_started then
    update public.users as u set has_started = true, created_at = p_now where u.id = v_user.id
    returning u.* into v_user;
  end if;
  if v_is_new then
    perform private.count_new_user(v_user.id, p_now);
    if p_telegram_user ? 'hash' then
      v_user := private.apply_tombstone(v_user.id, p_telegram_user ->> 'hash');
    end if;
  end if;
  return v_user;
end
$$;

revoke all on function private.upsert_user from public, anon, authenticated, service_role;
comment on function private.upsert_user is 'Finds or creates the user of a Telegram account';

-- Returns the user API key that a user's requests use.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   provider: text         (null instead of all of it: requests go to the plan)
--   key_id: text
--   ciphertext: text       (base64)
-- Errors: none.
create or replace function private.active_token(p_user_id bigint)
returns jsonb
language plpgsql
stable
security invoker
as $$
begin
  return (
    select jsonb_build_object(
      'provider', t.provider,
      'key_id', t.key_id,
      'ciphertext', translate(encode(t.ciphertext, 'base64'), E'\n', '')
    )
    from public.user_tokens as t
    where t.user_id = p_user_id and t.is_active
  );
end
$$;

revoke all on function private.active_token from public, anon, authenticated, service_role;
comment on function private.active_token is 'Returns the user API key that a user''s requests use';

-- Locks the user of an update against concurrent erasure (KEY SHARE) until the transaction ends; with p_alone
-- exclusively, for the erasure itself. If the user was erased since the update was received, anonymizes the update.
--
-- Concurrency: the caller holds the update row and calls this before it changes anything of the user. An erasure
--   waits for every transaction that has locked the user, and skips locked update rows; their workers anonymize them
--   here. So no data of the user remain, whichever comes first, and there is no deadlock.
-- Locks: user (KEY SHARE, with p_alone FOR UPDATE), after the update row that the caller holds.
-- Returns: boolean, whether the user still exists; true for an update without a user.
-- Errors: none.
create or replace function private.lock_user(p_update public.telegram_updates, p_alone boolean default false)
returns boolean
language plpgsql
volatile
security invoker
as $$
begin
  if p_update.user_id is null then
    return true;
  elsif p_alone then
    perform from public.users as u where u.id = p_update.user_id for update;
  else
    perform from public.users as u where u.id = p_update.user_id for key share;
  end if;
  if found then
    return true;
  end if;
  perform private.anonymize_update(p_update.bot, p_update.update_id);
  return false;
end
$$;

revoke all on function private.lock_user from public, anon, authenticated, service_role;
comment on function private.lock_user is 'Locks the user of an update until the transaction ends';

-- Completes a user's first served request: clears `is_newcomer`, settles a pending referral and enqueues a message to
-- the referrer.
--
-- Concurrency: the caller holds the update row. Of two first requests at once the second finds the referral
--   completed. No user is locked before private.settle_referral locks both in the order of their ids.
-- Locks: referrer and user (NO KEY UPDATE) by id, then the referral.
-- Returns: jsonb
--   outbox_item            (null instead of all of it: no referrer, or the referrer is banned)
-- Errors: none.
create or replace function private.on_first_request(p_user_id bigint, p_bot text, p_update_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
as $$
declare
  v_referral public.user_referrals;
  v_parameters jsonb;
  v_id bigint;
begin
  if not exists (select from public.users as u where u.id = p_user_id and u.is_newcomer) then
    return null;
  end if;
  select r.* into v_referral
    from public.user_referrals as r
   where r.referred_id = p_user_id and r.status = 'pending';
  if not found or private.settle_referral(p_user_id) <> 'completed' then
    update public.users as u set is_newcomer = false where u.id = p_user_id;
    return null;
  end if;
  update public.users as u set is_newcomer = false where u.id = p_user_id;
  select jsonb_build_object(
      'chat_id', u.telegram_id,
      'key', 'referral_notice',
      'languages', jsonb_build_array(u.language, u.language_code),
      'values', jsonb_build_object('name', jsonb_build_object('name', n.first_name), 'credits', r.referrer_credits)
    )
    into v_parameters
    from public.user_referrals as r
    join public.users as u on u.id = r.referrer_id
    join public.users as n on n.id = r.referred_id
   where r.id = v_referral.id and u.banned_at is null;
  if not found then  -- the referrer was erased, or is banned and gets no message
    return null;
  end if;
  v_id := (
    private.enqueue_calls(
      p_bot, p_update_id, jsonb_build_array(jsonb_build_object('method', 'template', 'parameters', v_parameters))
    ) ->> 0
  )::bigint;
  return jsonb_build_object('id', v_id, 'method', 'template', 'parameters', v_parameters);
end
$$;

revoke all on function private.on_first_request from public, anon, authenticated, service_role;
comment on function private.on_first_request is 'Completes what follows a user''s first served request';

-- Applies what a handler changed in its session and in the user's preferences.
--
-- p_changes may hold mode, data (keys to set; null removes one), language, price_currency, is_active, referrer_code
-- (private.attach_referral), token (a change of a user API key, private.change_token) and clear_history (true deletes
-- the conversation). public.finish_update handles its other keys.
--
-- Concurrency: the caller holds the update row and calls once. Session data are merged into the row key by key, so
--   two updates of one session lose nothing.
-- Locks: user (where a preference changes), for a referral referrer and user (KEY SHARE), for a key the user (NO KEY
--   UPDATE), then messages and session.
-- Returns: void
-- Errors: those of private.change_token.
create or replace function private.change_session(
  p_update public.telegram_updates, p_changes jsonb, p_reservation text
)
returns void
language plpgsql
volatile
security invoker
as $$
begin
  if p_changes ?| array['language', 'price_currency', 'is_active'] then
    update public.users as u
       set language = coalesce(p_changes ->> 'language', u.language),
           price_currency = coalesce(p_changes ->> 'price_currency', u.price_currency),
           is_active = coalesce((p_changes ->> 'is_active')::boolean, u.is_active)
     where u.id = p_update.user_id;
  end if;
  if p_changes ? 'referrer_code' then
    perform private.attach_referral(p_update.user_id, p_changes ->> 'referrer_code');
  end if;
  if p_changes ? 'token' then
    perform private.change_token(p_update.user_id, p_changes -> 'token');
  end if;
  if (p_changes ->> 'clear_history')::boolean then
    delete from public.messages as m
     where m.user_id = p_update.user_id and m.bot = p_update.bot and m.chat_id = p_update.chat_id
       and m.thread_id = p_update.thread_id;
  end if;
  update public.bot_sessions as s
     set mode = coalesce(p_changes ->> 'mode', s.mode),
         session_data = case
           when p_changes ? 'data' then (s.session_data || (p_changes -> 'data')) - array(
             select d.key from jsonb_each(p_changes -> 'data') as d where d.value = 'null'
           )
           else s.session_data
         end,
         stats_data = case
           when p_reservation = 'settled' then s.stats_data || jsonb_build_object(
             'requests', coalesce((s.stats_data ->> 'requests')::bigint, 0) + 1
           )
           else s.stats_data
         end,
         last_update_id = case
           when p_update.kind in ('message', 'edited_message') then p_update.update_id
           else s.last_update_id
         end,
         updated_at = private.clock()
   where s.user_id = p_update.user_id and s.bot = p_update.bot and s.chat_id = p_update.chat_id
     and s.thread_id = p_update.thread_id;
end
$$;

revoke all on function private.change_session from public, anon, authenticated, service_role;
comment on function private.change_session is 'Applies what a handler changed in its session';

-- Stores an update, or finds it, and decides whether this delivery processes it; if so, takes the lease. A row older
-- than 48 hours never counts as a duplicate, because Telegram may restart the numbering after a quiet week.
--
-- p_reservation, p_reserved_on, p_reserved_cost: the reservation that a new row is stored with (of the plan, where
-- p_reserved_on is set). The caller takes the request, or corrects the row, in the same transaction.
--
-- Concurrency: deliveries of one update meet in the primary key and then in its row lock, so one of them processes it
--   and the others get the state of the row. A repeated call of the same delivery, whose first response was lost,
--   keeps the lease it has.
-- Locks: update row (FOR UPDATE).
-- Returns: record, outcome (work | busy | finished | crash_limit: its fifth worker crashed), is_new (this call stored the
--   row) and the columns of a row that it found.
-- Errors: none.
create or replace function private.claim_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_user_id bigint,
  p_payload jsonb,
  p_lease_seconds integer,
  p_now timestamptz,
  p_thread bigint,
  p_reservation text,
  p_reserved_on date,
  p_reserved_cost numeric,
  out outcome text,
  out is_new boolean,
  out attempt integer,
  out failures integer,
  out crash_count integer,
  out reservation text,
  out received_at timestamptz,
  out lease_until timestamptz
)
returns record
language plpgsql
volatile
security invoker
as $$
declare
  v_now timestamptz := p_now;
  v_update public.telegram_updates;
begin
  is_new := true;
  attempt := 1;
  failures := 0;
  crash_count := 0;
  received_at := p_now;
  lease_until := p_now + make_interval(secs => p_lease_seconds);
  loop
    insert into public.telegram_updates as t
      (bot, update_id, kind, status, chat_id, thread_id, user_id, payload, delivery, lease_until, received_at,
       reservation, reserved_on, reserved_from, reserved_cost)
    values (
      p_bot, p_update_id, p_kind, 'working', p_chat_id, p_thread, p_user_id, p_payload, p_delivery,
      claim_update.lease_until, p_now,
      p_reservation, p_reserved_on, case when p_reserved_on is not null then 'plan' end, p_reserved_cost
    )
    on conflict (bot, update_id) do nothing;
    if found then
      outcome := 'work';
      return;
    end if;

    select t.* into v_update
      from public.telegram_updates as t
     where t.bot = p_bot and t.update_id = p_update_id
       for update;
    exit when found and v_update.received_at >= private.clock() - interval '48 hours';
    -- The row vanished between the two statements, or is an older update with the same number. The condition on
    -- received_at spares a new row that a concurrent delivery has inserted.
    delete from public.telegram_updates as t
     where t.bot = p_bot and t.update_id = p_update_id
       and t.received_at < private.clock() - interval '48 hours';
  end loop;
  is_new := false;
  v_now := private.clock();  -- waiting for the lock takes time

  if v_update.status in ('finished', 'dead_lettered') then
    outcome := 'finished';
  elsif v_update.status = 'working' and v_update.delivery = p_delivery then
    outcome := 'work';
  elsif v_update.status = 'working' and v_update.lease_until > v_now then
    outcome := 'busy';
  else
    update public.telegram_updates as t
       set status = 'working',
           delivery = p_delivery,
           attempt = t.attempt + 1,
           crash_count = t.crash_count + (t.status = 'working')::integer,
           lease_until = claim_update.lease_until
     where t.bot = p_bot and t.update_id = p_update_id
    returning t.* into v_update;
    outcome := case when v_update.crash_count >= 5 then 'crash_limit' else 'work' end;
  end if;
  attempt := v_update.attempt;
  failures := v_update.failures;
  crash_count := v_update.crash_count;
  reservation := v_update.reservation;
  received_at := v_update.received_at;
  lease_until := v_update.lease_until;
end
$$;

revoke all on function private.claim_update from public, anon, authenticated, service_role;
comment on function private.claim_update is 'Stores an update, or finds it, and takes a free lease';

-- Stores Bot API calls in the outbox. The caller has a minute to deliver them before the sweep does.
--
-- Concurrency: the caller holds the update row and stores its calls once.
-- Locks: none.
-- Returns: jsonb, list of their ids, in order.
-- Errors: none.
create or replace function private.enqueue_calls(p_bot text, p_update_id bigint, p_calls jsonb)
returns jsonb
language plpgsql
volatile
security invoker
as $$
declare
  v_send_after timestamptz := private.clock() + interval '1 minute';
  v_call jsonb;
  v_id bigint;
  v_ids jsonb := '[]';
begin
  for v_index in 0 .. jsonb_array_length(p_calls) - 1 loop
    v_call := p_calls -> v_index;
    insert into public.telegram_outbox as o (bot, chat_id, update_id, method, parameters, send_after)
    values (
      p_bot, (v_call -> 'parameters' ->> 'chat_id')::bigint, p_update_id, v_call ->> 'method',
      v_call -> 'parameters', v_send_after
    )
    returning o.id into v_id;
    v_ids := v_ids || to_jsonb(v_id);
  end loop;
  return v_ids;
end
$$;

revoke all on function private.enqueue_calls from public, anon, authenticated, service_role;
comment on function private.enqueue_calls is 'Stores Bot API calls in the outbox';

-- Finds the session of a user in a chat or topic, or creates it.
--
-- Concurrency: two first messages at once meet in the primary key, and both get the one row.
-- Locks: where the session is created, user (KEY SHARE), then the session.
-- Returns: public.bot_sessions, the row.
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.open_session(p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint)
returns public.bot_sessions
language plpgsql
volatile
security invoker
as $$
declare
  v_session public.bot_sessions;
begin
  select s.* into v_session
    from public.bot_sessions as s
   where s.user_id = p_user_id and s.bot = p_bot and s.chat_id = p_chat_id and s.thread_id = p_thread;
  if not found then
    perform from public.users as u where u.id = p_user_id for key share;
    if not found then
      raise exception 'the user was erased at this moment' using errcode = '40001';
    end if;
    insert into public.bot_sessions as s (user_id, bot, chat_id, thread_id)
    values (p_user_id, p_bot, p_chat_id, p_thread)
    on conflict (user_id, bot, chat_id, thread_id) do update set updated_at = s.updated_at
    returning s.* into v_session;
  end if;
  return v_session;
end
$$;

revoke all on function private.open_session from public, anon, authenticated, service_role;
comment on function private.open_session is 'Finds or creates the session of a user in a chat';

-- Stores an update, drops duplicates, takes the lease and loads everything a handler needs: the first database call
-- of an update.
--
-- While a session awaits an API key (session_data.awaiting is "key:<provider>"), the text of a message is never
-- stored, because a key may have any format. A worker that takes over finds [hidden] in its place and asks for the
-- key again.
-- p_telegram_user: Telegram's User, and in hash the key of its tombstone in erased_users. p_thread: the topic of a
-- chat that has topics, with its own session and conversation; 0 elsewhere. p_reserve: reserve an AI request, whose
-- cost is p_cost US dollars at most. p_history and p_history_characters limit the conversation that is loaded; the
-- plan may limit it further.
-- The result is json and not jsonb: private.recent_messages builds the history as text.
--
-- Concurrency: deliveries of one update are serialized by private.claim_update. A worker that takes over from a
--   crashed one finds its request still reserved and reserves no second one; the quota day stays that of the first
--   attempt. An update that was received before its user was erased is over and does not create the user again.
--   The commit of a new update does not wait for the disk, because the next commit that waits (finish_update, or a change
--   of the handler before it) makes both durable. If the server crashes before that, nothing was answered yet:
--   finish_update finds no row and answers superseded, and Telegram delivers the update again.
-- Locks: a known update row (FOR UPDATE), user (KEY SHARE; NO KEY UPDATE where its row changes), session, the row of a
--   new update, then as private.claim_held_part and private.reserve_usage. As everywhere, a known update row comes
--   before its user.
-- Returns: json
--   outcome: 'work' | 'busy' | 'crash_limit' | 'finished'
--   attempt?: int          (work, crash_limit)
--   failures?: int         (work, crash_limit)
--   user?: {               (work; crash_limit: the two languages alone)
--     language: text | null, language_code: text,
--     id?: bigint, telegram_id?: bigint, is_new?: boolean, vip_level?: int, balance?: numeric, currency?: text,
--     price_currency?: text | null, created_at?: timestamptz, is_admin?: boolean, admin_email?: text | null,
--     ban?: { reason: text | null, notified: boolean } | null
--   }
--   session?: { mode: text, data: jsonb }     (work, as all that follows)
--   usage?: {
--     plan: text, features: [ text ], requests: int, daily_requests: int | null, resets_at: timestamptz,
--     month_requests: int, monthly_requests: int | null, month_resets_at: timestamptz, bonus_credits: int, timezone: text
--   }
--   reservation?: 'reserved' | 'user_api_key' | 'settled' | 'released' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost' | null
--                          (null: not asked for, a question of ours awaits its answer, or the user is banned)
--   releases_left?: int | null
--   user_api_key?: private.active_token | null     (the user's own API key, where p_reserve asks for the AI and nothing is
--                          reserved yet)
--   history?: [ { role: 'user' | 'assistant', content: text } ]   (oldest first; at most p_history and what the plan allows,
--                          at most p_history_characters together)
--   edited_question?: text | null             (what the AI was asked before the user edited this message; history leaves it
--                          and its answer out)
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
  p_cost numeric default 0
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
  v_session public.bot_sessions;
  v_quota record;
  v_reserved record;
  v_user_api_key jsonb;
  v_edited bigint;
  v_edited_question text;
  v_is_counted boolean;
  v_releases_left integer;
  v_timezone text;
  v_currency text;
  v_expected text;
  v_expected_day date;
  v_expected_cost numeric;
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
  if v_session.session_data ->> 'awaiting' like 'key:%' and p_kind in ('message', 'edited_message') then
    -- Redact before the row is stored: earlier versions of a row stay in files and backups.
    p_payload := private.redact_update(p_payload, p_kind);
  end if;
  v_banned := v_user.banned_at is not null and not v_user.is_admin;
  select
    (select s.value #>> '{}' from private.settings as s where s.key = 'quota_timezone'),
    (select s.value #>> '{}' from private.settings as s where s.key = 'balance_currency')
    into v_timezone, v_currency;
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
  end if;
  if v_session.session_data ? 'paste' and p_kind = 'message'
    and v_session.session_data -> 'paste' ->> 'update_id' is distinct from p_update_id::text
  then
    v_session.session_data := private.claim_held_part(v_session, p_lease_seconds);
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
    select m.content into v_edited_question
      from public.messages as m
     where m.user_id = v_user.id and m.bot = p_bot and m.chat_id = p_chat_id and m.thread_id = p_thread
       and m.message_id = v_edited and m.role = 'user'
     order by m.id desc
     limit 1;
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
      'is_new', v_user.created_at = v_claim.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'currency', v_currency,
      'price_currency', v_user.price_currency,
      'created_at', v_user.created_at,
      'is_admin', v_user.is_admin,
      'admin_email', case when v_user.is_admin then (
        select a.email from public.admins as a where a.telegram_id = v_user.telegram_id
      ) end,
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
        p_history_characters
      )
      else '[]'::json
    end,
    'edited_question', v_edited_question
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Returns the newest messages of a session, oldest first: p_limit at most, and only as many as fit whole into
-- p_characters (null: no limit). Messages of p_without, which the user edited, are left out.
--
-- The result is json and built as text: for 50 messages a quarter of the CPU of jsonb, which would be parsed and printed
-- again (docs/performance.md).
--
-- Concurrency: read-only, over messages_session_idx.
-- Locks: none.
-- Returns: json, [{role, content}]; empty when there are none.
-- Errors: none.
create or replace function private.recent_messages(
  p_user_id bigint, p_bot text, p_chat_id bigint, p_thread bigint, p_limit integer, p_without bigint default null,
  p_characters integer default null
)
returns json
language plpgsql
stable
security invoker
as $$
declare
  v_message record;
  v_items text;
begin
  for v_message in
    select r.role, r.content
      from public.messages as r
     where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
       and (p_without is null or r.message_id is distinct from p_without)
     order by r.id desc
     limit p_limit
  loop
    p_characters := p_characters - length(v_message.content);
    exit when p_characters < 0;
    v_items := concat_ws(
      ', ',
      '{"role": "' || v_message.role || '", "content": ' || to_json(v_message.content) || '}',
      v_items
    );
  end loop;
  return '[' || coalesce(v_items, '') || ']';
end
$$;

revoke all on function private.recent_messages from public, anon, authenticated, service_role;
comment on function private.recent_messages is 'Returns the newest messages of a session, oldest first';

-- Records the delivery results of outbox items.
--
-- p_results: [{id, outcome: sent | refused | blocked | later, retry_after (seconds), error}]. Items that were sent or
-- refused for good are deleted. blocked: the user blocked the bot, and users.is_active becomes false. later: retried
-- after 5 seconds, doubled with each attempt up to an hour, and never before retry_after. An item older than 24 hours
-- is given up.
--
-- Concurrency: an item that is gone is skipped. Items of one update stay in order, because the sender stops at the
--   first that must wait and reports those behind it as waiting too. The commit does not wait for the disk: if the
--   server crashes within the second that follows, the sweep delivers the items once more.
-- Locks: users who blocked a bot, then outbox items.
-- Returns: jsonb
--   dropped: int           (how many were given up after a day of attempts)
-- Errors: none.
create or replace function public.record_deliveries(p_results jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_dropped integer;
begin
  perform set_config('synchronous_commit', 'off', true);
  if not p_results @? '$[*] ? (@.outcome != "sent")' then
    delete from public.telegram_outbox as o
     where o.id = any (array(select (r.value ->> 'id')::bigint from jsonb_array_elements(p_results) as r (value)));
    return '{"dropped": 0}';
  end if;
  update public.users as u
     set is_active = false
    from jsonb_array_elements(p_results) as r (value)
    join public.telegram_outbox as o on o.id = (r.value ->> 'id')::bigint
   where r.value ->> 'outcome' = 'blocked' and u.telegram_id = o.chat_id;
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' in ('sent', 'refused', 'blocked');
  update public.telegram_outbox as o
     set attempts = o.attempts + 1,
         error = left(r.value ->> 'error', 500),
         send_after = v_now + make_interval(
           secs => greatest((r.value ->> 'retry_after')::double precision, least(5 * 2 ^ o.attempts, 3600))
         )
    from jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and r.value ->> 'outcome' = 'later';
  delete from public.telegram_outbox as o
   using jsonb_array_elements(p_results) as r (value)
   where o.id = (r.value ->> 'id')::bigint and o.created_at < v_now - interval '24 hours';
  get diagnostics v_dropped = row_count;
  return jsonb_build_object('dropped', v_dropped);
end
$$;

revoke all on function public.record_deliveries from public, anon, authenticated, service_role;
grant execute on function public.record_deliveries to bot_backend;
comment on function public.record_deliveries is 'Records the delivery results of outbox items';

-- Reserves one AI request for an update whose handler finds out late that it needs the AI, or that the user API key
-- cannot be used. For plain text public.receive_update has reserved it already.
--
-- p_cost: US dollars that the question may cost at most. p_is_user_api_key: the question uses a user API key, and
-- nothing is taken from the plan.
--
-- Concurrency: the update row is locked; an update reserves one request, however often it asks. An earlier attempt
--   that was billed stays settled.
-- Locks: update row, user (KEY SHARE), then as private.reserve_usage.
-- Returns: jsonb
--   outcome: 'superseded' | 'reserved' | 'user_api_key' | 'settled' | 'refused' | 'in_progress' | 'user_cost' | 'bot_cost'
--                          (settled: an earlier attempt was paid for)
--   releases_left?: int | null
-- Errors: none.
create or replace function public.reserve_request(
  p_bot text, p_update_id bigint, p_attempt integer, p_cost numeric default 0, p_is_user_api_key boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_update public.telegram_updates;
  v_reserved record;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status is distinct from 'working' or v_update.attempt <> p_attempt then
    return jsonb_build_object('outcome', 'superseded');
  elsif not private.lock_user(v_update) then  -- erased concurrently
    return jsonb_build_object('outcome', 'superseded');
  end if;
  if v_update.reservation in ('reserved', 'settled') then
    return jsonb_build_object('outcome', v_update.reservation, 'releases_left', 0);
  end if;
  v_reserved := private.reserve_usage(
    v_update.user_id, p_bot, p_update_id, p_cost, p_is_user_api_key, private.setting('quota_timezone')
  );
  update public.telegram_updates as t
     set reservation = v_reserved.reservation,
         reserved_on = v_reserved.reserved_on,
         reserved_from = v_reserved.reserved_from,
         reserved_cost = case when v_reserved.reservation = 'reserved' then p_cost end
   where t.bot = p_bot and t.update_id = p_update_id;
  return jsonb_build_object('outcome', v_reserved.reservation, 'releases_left', v_reserved.releases_left);
end
$$;

revoke all on function public.reserve_request from public, anon, authenticated, service_role;
grant execute on function public.reserve_request to bot_backend;
comment on function public.reserve_request is 'Reserves one AI request for an update';

-- Returns what a bot spent on AI calls on a day, in US dollars, without the calls on user API keys.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, the sum over the bot's rows of the day.
-- Errors: none.
create or replace function private.bot_cost(p_bot text, p_day date)
returns numeric
language plpgsql
volatile
security invoker
as $$
begin
  return (
    select coalesce(sum(t.cost), 0)
      from public.daily_totals as t
     where t.day = p_day and t.bot = p_bot and not t.is_user_api_key
  );
end
$$;

revoke all on function private.bot_cost from public, anon, authenticated, service_role;
comment on function private.bot_cost is 'Returns what a bot spent on AI calls on a day';

-- Returns whether an AI provider charged the owner for any call of an update: a call on the owner's key that has a
-- cost, however small. p_usage: see private.record_usage.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.has_billed_call(p_usage jsonb)
returns boolean
language plpgsql
immutable
security invoker
as $$
begin
  return (
    select exists (
      select from jsonb_array_elements(p_usage) as c (call)
       where c.call ->> 'cost' is not null and not coalesce((c.call ->> 'is_user_api_key')::boolean, false)
    )
  );
end
$$;

revoke all on function private.has_billed_call from public, anon, authenticated, service_role;
comment on function private.has_billed_call is 'Returns whether an AI provider charged the owner for any call of an update';

-- Returns whether a bot may spend p_cost more today within its daily cost limit p_limit (US dollars). p_day is today
-- in the time zone of the quota. p_update_id: the question's update, whose own reserved cost is left out.
--
-- Concurrency: far from the limit nothing is locked. Within 200 questions of it, more than can be in progress because
--   Telegram opens at most 100 connections to a bot, calls for the bot are serialized until the transaction ends, and
--   the reserved cost of questions in progress counts too.
-- Locks: near the limit an advisory lock of the bot; the caller holds the update row and the user.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_within_bot_cost_limit(
  p_bot text, p_day date, p_update_id bigint, p_cost numeric, p_limit numeric
)
returns boolean
language plpgsql
volatile
security invoker
as $$
declare
  v_spent numeric := private.bot_cost(p_bot, p_day);
  v_open numeric;
begin
  if v_spent + 200 * p_cost <= p_limit or v_spent + p_cost > p_limit then
    return v_spent + p_cost <= p_limit;
  end if;
  perform pg_advisory_xact_lock(hashtextextended('cost of ' || p_bot, 0));
  select coalesce(sum(t.reserved_cost), 0) into v_open
    from public.telegram_updates as t
   where t.lease_until > (select private.clock())
     and t.status in ('working', 'failed')
     and t.bot = p_bot
     and t.update_id <> p_update_id;
  return private.bot_cost(p_bot, p_day) + v_open + p_cost <= p_limit;
end
$$;

revoke all on function private.is_within_bot_cost_limit from public, anon, authenticated, service_role;
comment on function private.is_within_bot_cost_limit is 'Returns whether a bot may spend more today within its daily cost limit';

-- Records an update's calls to AI providers: a row per call, and the counters of the user and the day.
--
-- p_usage: [{provider, model, kind, status, ms, request_bytes, response_bytes, tokens_in, tokens_out, cost,
-- is_user_api_key}] in the order of the calls; the last one produced the answer, if any did. p_is_settled: a reserved
-- request was served. On a user API key nothing is reserved, and the status of the last call decides. A figure that
-- is not a number, is negative or exceeds its column is left out (0 where the column needs a number), because a
-- provider's report must never undo its answer.
--
-- Concurrency: the caller holds the update row and calls once, in the transaction that finishes it. All updates take
--   the counters in the same order, call by call, and one update only one of the sixteen rows of a figure.
-- Locks: daily_usage, then by provider, model and is_user_api_key the row of monthly_api_usage and that of daily_totals.
-- Returns: void
-- Errors: none.
create or replace function private.record_usage(
  p_update public.telegram_updates, p_usage jsonb, p_is_settled boolean
)
returns void
language plpgsql
volatile
security invoker
as $$
declare
  v_now timestamptz;
  v_day date;
  v_shard integer := p_update.update_id & 15;
  v_last jsonb := p_usage -> -1;
  v_is_own boolean := coalesce((p_usage -> -1 ->> 'is_user_api_key')::boolean, false);
  v_call jsonb;
  v_row public.api_usage;
  v_is_last boolean;
  v_rows jsonb := '[]';
  v_count integer := jsonb_array_length(p_usage);
  v_requests integer := (p_is_settled or (v_is_own and v_last ->> 'status' in ('ok', 'part')))::integer;
begin
  if v_last is null and v_requests = 0 then
    return;
  end if;
  v_now := private.clock();
  v_day := (v_now at time zone private.setting('quota_timezone'))::date;

  if v_is_own and v_requests > 0 then
    insert into public.daily_usage as u (user_id, bot, day, user_api_key_requests)
    values (p_update.user_id, p_update.bot, v_day, 1)
    on conflict (user_id, day, bot) do update set user_api_key_requests = u.user_api_key_requests + 1;
  end if;
  if v_last is null then
    insert into public.daily_totals as t (day, bot, provider, model, is_user_api_key, shard, requests)
    values (v_day, p_update.bot, '', '', false, v_shard, v_requests)
    on conflict (day, bot, provider, model, is_user_api_key, shard) do update
      set requests = t.requests + excluded.requests;
    return;
  end if;

  for v_index in 0 .. v_count - 1 loop
    v_call := p_usage -> v_index;
    insert into public.api_usage (
      user_id, bot, provider, model, kind, status, ms, request_bytes, response_bytes,
      tokens_in, tokens_out, cost, is_user_api_key, created_at
    )
    values (
      p_update.user_id, p_update.bot, coalesce(v_call ->> 'provider', ''), coalesce(v_call ->> 'model', ''),
      case when v_call ->> 'kind' in ('image', 'video') then v_call ->> 'kind' else 'chat' end,
      coalesce(v_call ->> 'status', ''), coalesce(private.usage_count(v_call ->> 'ms'), 0),
      coalesce(private.usage_count(v_call ->> 'request_bytes'), 0),
      coalesce(private.usage_count(v_call ->> 'response_bytes'), 0),
      private.usage_count(v_call ->> 'tokens_in'), private.usage_count(v_call ->> 'tokens_out'),
      private.usage_cost(v_call ->> 'cost'), coalesce((v_call ->> 'is_user_api_key')::boolean, false), v_now
    )
    returning * into v_row;
    if v_count > 1 then
      v_rows := v_rows || to_jsonb(v_row);
    end if;
  end loop;
  if v_count > 1 then
    v_rows := (
      select jsonb_agg(r.value order by r.value ->> 'provider', r.value ->> 'model', r.value ->> 'is_user_api_key')
        from jsonb_array_elements(v_rows) as r (value)
    );
  end if;
  for v_index in 0 .. v_count - 1 loop
    if v_count > 1 then
      v_row := jsonb_populate_record(v_row, v_rows -> v_index);
    end if;
    v_is_last := (v_row.provider, v_row.model, v_row.is_user_api_key)
      = (v_last ->> 'provider', v_last ->> 'model', v_is_own);
    insert into public.monthly_api_usage as m
      (user_id, month, provider, model, is_user_api_key, calls, errors, tokens_in, tokens_out, cost, ms, day, day_cost)
    values (
      p_update.user_id, date_trunc('month', v_day::timestamp)::date, v_row.provider, v_row.model,
      v_row.is_user_api_key, 1, (v_row.status not in ('ok', 'part'))::integer, coalesce(v_row.tokens_in, 0),
      coalesce(v_row.tokens_out, 0), coalesce(v_row.cost, 0), v_row.ms, v_day, coalesce(v_row.cost, 0)
    )
    on conflict (user_id, month, provider, model, is_user_api_key) do update
      set calls = m.calls + excluded.calls,
          errors = m.errors + excluded.errors,
          tokens_in = m.tokens_in + excluded.tokens_in,
          tokens_out = m.tokens_out + excluded.tokens_out,
          cost = m.cost + excluded.cost,
          ms = m.ms + excluded.ms,
          day = excluded.day,
          day_cost = excluded.day_cost + case when m.day = excluded.day then m.day_cost else 0 end;
    insert into public.daily_totals as t
      (day, bot, provider, model, is_user_api_key, shard, requests, calls, errors, tokens_in, tokens_out, cost, ms)
    values (
      v_day, p_update.bot, v_row.provider, v_row.model, v_row.is_user_api_key, v_shard,
      case when v_is_last then v_requests else 0 end, 1, (v_row.status not in ('ok', 'part'))::integer, coalesce(v_row.tokens_in, 0),
      coalesce(v_row.tokens_out, 0), coalesce(v_row.cost, 0), v_row.ms
    )
    on conflict (day, bot, provider, model, is_user_api_key, shard) do update
      set requests = t.requests + excluded.requests,
          calls = t.calls + excluded.calls,
          errors = t.errors + excluded.errors,
          tokens_in = t.tokens_in + excluded.tokens_in,
          tokens_out = t.tokens_out + excluded.tokens_out,
          cost = t.cost + excluded.cost,
          ms = t.ms + excluded.ms;
    if v_is_last then
      v_requests := 0;  -- counted
    end if;
  end loop;
end
$$;

revoke all on function private.record_usage from public, anon, authenticated, service_role;
comment on function private.record_usage is 'Records an update''s calls to AI providers and their sums';

-- Decides whether a user's question may go to the AI, and reserves a request for it: from the plan while its day and
-- its month both have one left, then from bonus credits. Checks in this order: requests left, daily cost of the user,
-- daily cost of the bot, questions in progress. On a user API key only the last one applies.
--
-- p_timezone: the setting quota_timezone. p_cost: the most that the question may cost in US dollars. The reserved cost of other questions in progress is
-- added to what was spent, so the cost limits also hold for questions that arrive together.
--
-- Concurrency: the user's row is locked, so two questions never pass a check together. The caller holds the update
--   row and calls only while that has no reservation.
-- Locks: user (NO KEY UPDATE), near the bot's cost limit an advisory lock of the bot, then daily_usage and
--   monthly_usage.
-- Returns: record
--   reservation
--     reserved     with the day it counts for (and so the month) and its source (plan | bonus)
--     user_api_key      nothing is taken
--     refused      no requests left
--     user_cost, bot_cost   the daily cost limit is reached
--     in_progress  the user has as many questions in progress as allowed
--   releases_left: how many failed requests may still be released today
--   plan and what follows it: as private.quota returns them, with this request counted; null on a user API key
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function private.reserve_usage(
  p_user_id bigint,
  p_bot text,
  p_update_id bigint,
  p_cost numeric,
  p_is_user_api_key boolean,
  p_timezone text,
  out reservation text,
  out reserved_on date,
  out reserved_from text,
  out releases_left integer,
  out plan text,
  out features text[],
  out history_length integer,
  out requests integer,
  out daily_requests integer,
  out resets_at timestamptz,
  out month_requests integer,
  out monthly_requests integer,
  out month_resets_at timestamptz,
  out timezone text
)
returns record
language plpgsql
volatile
security invoker
as $$
declare
  v_now timestamptz;
  v_user record;
  v_quota record;
  v_limits record;
begin
  select u.vip_level, u.bonus_credits into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'the user was erased at this moment' using errcode = '40001';
  end if;
  v_now := private.clock();  -- waiting for the lock takes time
  select
    (select (s.value #>> '{}')::integer from private.settings as s where s.key = 'questions_in_progress') as questions,
    (select (s.value #>> '{}')::integer from private.settings as s where s.key = 'daily_releases') as releases,
    (select (s.value #>> '{}')::numeric from private.settings as s where s.key = 'daily_cost_user') as user_cost,
    (select (s.value #>> '{}')::numeric from private.settings as s where s.key = 'daily_cost_bot') as bot_cost,
    count(*) as open_questions,
    count(*) filter (where t.reservation = 'reserved') as open_requests,
    coalesce(sum(t.reserved_cost), 0) as open_cost
    into v_limits
    from public.telegram_updates as t
   where t.user_id = p_user_id
     -- Behind a subquery, so that the planner takes the user's rows and not telegram_updates_open_idx: that holds the open
     -- updates of all users, but looks smaller.
     and t.status = (select 'working')
     and t.lease_until > v_now
     and t.reservation in ('reserved', 'user_api_key', 'settled')
     and (t.bot, t.update_id) <> (p_bot, p_update_id);

  if p_is_user_api_key then
    reservation := case when v_limits.open_questions < v_limits.questions then 'user_api_key' else 'in_progress' end;
    return;
  end if;
  v_quota := private.quota(p_user_id, v_user.vip_level, p_timezone);
  plan := v_quota.plan;
  features := v_quota.features;
  history_length := v_quota.history_length;
  requests := v_quota.requests;
  daily_requests := v_quota.daily_requests;
  resets_at := v_quota.resets_at;
  month_requests := v_quota.month_requests;
  monthly_requests := v_quota.monthly_requests;
  month_resets_at := v_quota.month_resets_at;
  timezone := v_quota.timezone;
  if coalesce(v_quota.requests < v_quota.daily_requests, true)
    and coalesce(v_quota.month_requests < v_quota.monthly_requests, true)
  then
    reserved_from := 'plan';
  elsif v_user.bonus_credits > 0 then
    reserved_from := 'bonus';
  end if;
  reservation := case
    when reserved_from is null then 'refused'
    when v_limits.user_cost > 0
      and private.user_cost(p_user_id, v_quota.day) + v_limits.open_cost + p_cost > v_limits.user_cost then 'user_cost'
    when v_limits.bot_cost > 0
      and not private.is_within_bot_cost_limit(p_bot, v_quota.day, p_update_id, p_cost, v_limits.bot_cost) then 'bot_cost'
    when v_limits.open_questions >= v_limits.questions then 'in_progress'
    else 'reserved'
  end;
  if reservation <> 'reserved' then
    reserved_from := null;
    if reservation in ('user_cost', 'bot_cost') then
      perform private.alert_cost_limit(p_bot, v_quota.day, reservation, p_user_id);
    end if;
    return;
  end if;

  reserved_on := v_quota.day;
  if reserved_from = 'bonus' then
    update public.users as u set bonus_credits = u.bonus_credits - 1 where u.id = p_user_id;
  else
    requests := requests + 1;
    month_requests := month_requests + 1;
  end if;
  insert into public.daily_usage as u (user_id, bot, day, requests, bonus_requests)
  values (
    p_user_id, p_bot, v_quota.day, (reserved_from = 'plan')::integer, (reserved_from = 'bonus')::integer
  )
  on conflict (user_id, day, bot) do update
    set requests = u.requests + excluded.requests,
        bonus_requests = u.bonus_requests + excluded.bonus_requests;
  insert into public.monthly_usage as u (user_id, month, requests, bonus_requests)
  values (
    p_user_id, v_quota.month, (reserved_from = 'plan')::integer, (reserved_from = 'bonus')::integer
  )
  on conflict (user_id, month) do update
    set requests = u.requests + excluded.requests,
        bonus_requests = u.bonus_requests + excluded.bonus_requests;
  releases_left := greatest(v_limits.releases - v_limits.open_requests - v_quota.releases, 0);
end
$$;

revoke all on function private.reserve_usage from public, anon, authenticated, service_role;
comment on function private.reserve_usage is 'Decides whether a question may go to the AI, and reserves a request';

-- Parses the cost of a call in US dollars.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: numeric, at most 999999 with 8 decimals; null for what is not a number, is negative or exceeds the column.
-- Errors: none.
create or replace function private.usage_cost(p_value text)
returns numeric
language plpgsql
immutable
security invoker
as $$
begin
  if p_value ~ '^\d{1,6}(\.\d{1,40})?([eE]-\d{1,2})?$' then
    return round(least(p_value::numeric, 999999), 8);
  end if;
  return null;
end
$$;

revoke all on function private.usage_cost from public, anon, authenticated, service_role;
comment on function private.usage_cost is 'Parses the cost of a call; null where it makes no sense';

-- Parses a count that a provider or our code reports, and rounds it.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer; null for what is not a number, is negative or exceeds an integer.
-- Errors: none.
create or replace function private.usage_count(p_value text)
returns integer
language plpgsql
immutable
security invoker
as $$
begin
  if p_value ~ '^\d{1,10}(\.\d{1,30})?$' and round(p_value::numeric) <= 2147483647 then
    return round(p_value::numeric);
  end if;
  return null;
end
$$;

revoke all on function private.usage_count from public, anon, authenticated, service_role;
comment on function private.usage_count is 'Parses a count; null where it makes no sense';

-- Returns what a user's questions cost on a day, in US dollars, without the calls on user API keys. p_day is today in
-- the time zone of the quota.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, the sum over the user's models.
-- Errors: none.
create or replace function private.user_cost(p_user_id bigint, p_day date)
returns numeric
language plpgsql
volatile
security invoker
as $$
begin
  return (
    select coalesce(sum(m.day_cost), 0)
      from public.monthly_api_usage as m
     where m.user_id = p_user_id
       and m.month = date_trunc('month', p_day::timestamp)::date
       and m.day = p_day
       and not m.is_user_api_key
  );
end
$$;

revoke all on function private.user_cost from public, anon, authenticated, service_role;
comment on function private.user_cost is 'Returns what a user''s questions cost on a day';

alter table public.api_usage add constraint api_usage_check CHECK (((kind = ANY (ARRAY['chat'::text, 'image'::text, 'video'::text])) AND (LEAST(ms, request_bytes, response_bytes, tokens_in, tokens_out) >= 0) AND (cost >= (0)::numeric))) not valid;

alter table public.bot_sessions add constraint bot_sessions_check CHECK (((jsonb_typeof(session_data) = 'object'::text) AND (jsonb_typeof(stats_data) = 'object'::text))) not valid;

alter table public.daily_totals add constraint daily_totals_check CHECK (((shard >= 0) AND (shard <= 15) AND (LEAST(requests, calls, errors, tokens_in, tokens_out, ms, new_users) >= 0) AND (cost >= (0)::numeric))) not valid;

alter table public.daily_usage add constraint daily_usage_check CHECK ((LEAST(requests, bonus_requests, user_api_key_requests, releases) >= 0)) not valid;

alter table public.monthly_api_usage add constraint monthly_api_usage_check CHECK (((EXTRACT(day FROM month) = (1)::numeric) AND (LEAST(calls, errors) >= 0) AND (LEAST(tokens_in, tokens_out, ms) >= 0) AND (LEAST(cost, day_cost) >= (0)::numeric))) not valid;

alter table public.monthly_usage add constraint monthly_usage_check CHECK (((EXTRACT(day FROM month) = (1)::numeric) AND (LEAST(requests, bonus_requests) >= 0))) not valid;

alter table public.telegram_updates add constraint telegram_updates_check CHECK (((status = ANY (ARRAY['working'::text, 'failed'::text, 'finished'::text, 'dead_lettered'::text])) AND (reservation = ANY (ARRAY['reserved'::text, 'user_api_key'::text, 'settled'::text, 'released'::text, 'refused'::text, 'in_progress'::text, 'user_cost'::text, 'bot_cost'::text])) AND (reserved_from = ANY (ARRAY['plan'::text, 'bonus'::text])) AND (reserved_cost >= (0)::numeric))) not valid;
