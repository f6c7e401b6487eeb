-- Shorter updates.

-- Private: only finish_update calls it, which this migration replaces, too.
-- squawk-ignore ban-drop-function
drop function private.change_session(p_update public.telegram_updates, p_changes jsonb, p_reservation text);

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
  p_update public.telegram_updates, p_changes jsonb, p_reservation text, p_now timestamptz
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
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
         updated_at = p_now
   where s.user_id = p_update.user_id and s.bot = p_update.bot and s.chat_id = p_update.chat_id
     and s.thread_id = p_update.thread_id;
end
$$;

revoke all on function private.change_session from public, anon, authenticated, service_role;
comment on function private.change_session is 'Applies what a handler changed in its session';

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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_call jsonb;
  v_id bigint;
  v_ids jsonb := '[]'::jsonb;
begin
  for v_index in 0 .. jsonb_array_length(p_calls) - 1 loop
    v_call := p_calls -> v_index;
    insert into public.telegram_outbox as o (bot, chat_id, update_id, method, parameters, send_after, created_at)
    values (
      p_bot, (v_call -> 'parameters' ->> 'chat_id')::bigint, p_update_id, v_call ->> 'method',
      v_call -> 'parameters', v_now + interval '1 minute', v_now
    )
    returning o.id into v_id;
    v_ids := v_ids || to_jsonb(v_id);
  end loop;
  return v_ids;
end
$$;

revoke all on function private.enqueue_calls from public, anon, authenticated, service_role;
comment on function private.enqueue_calls is 'Stores Bot API calls in the outbox';

-- Commits everything the handler of an update changed, together with its answer: the second and last database call of
-- an update.
--
-- p_session: changes of the session and the user (private.change_session), and
--   hold (seconds): keep the update open; the next message finishes it, or the sweep processes it after that time
--   finish_held: update_id of a held update that this one answers too
--   ban_notified: the answer tells the user about the ban; of two such updates only the first one's answer is kept
--   erase {hash, balance}: erase the user (private.erase_user)
-- p_messages [{role, content, message_id}]: the conversation to store; it replaces rows of an edited message_id.
-- p_reservation: settled when a reserved request was served. Otherwise the request is released, unless a provider
-- call was billed, or a provider was called and the releases of the day (setting daily_releases) are used up.
-- p_outgoing: Bot API calls to enqueue. p_usage: the calls to AI providers (private.record_usage).
--
-- Concurrency: the row is locked and its attempt compared: a worker that lost its lease changes nothing, and a
--   repeated call after a lost response changes nothing and gets the same answer. Only the worker that finishes
--   records p_usage, so each call counts once. Session data are merged key by key and never written back whole, so a
--   button and a message at once lose nothing. For a user who was erased meanwhile nothing is written.
-- Locks: update row, user (KEY SHARE; FOR UPDATE for an erasure), for a first request referrer and user by id,
--   request counters, the held update (FOR UPDATE SKIP LOCKED), session and messages, counters of AI calls.
-- Returns: jsonb
--   outcome: 'finished' | 'superseded'
--   outgoing?: [ bigint ]  (finished: the ids of p_outgoing, in order)
--   referral_message?: private.on_first_request | null    (finished: the message to the referrer, to deliver now)
--   withheld?: boolean     (finished: p_answer must not be sent, because the user got it already)
-- Errors: Y0001 and Y0002, see private.erase_user; K0001 and K0002, see private.change_token.
create or replace function public.finish_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_session jsonb default '{}',
  p_messages jsonb default '[]',
  p_reservation text default null,
  p_answer jsonb default null,
  p_outgoing jsonb default '[]',
  p_usage jsonb default '[]'
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_update public.telegram_updates;
  v_answer jsonb := p_answer;
  v_hold interval := make_interval(secs => (p_session ->> 'hold')::double precision);
  v_outgoing jsonb := '[]'::jsonb;
  v_referral_message jsonb;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if not found or v_update.attempt <> p_attempt or v_update.status not in ('working', 'finished') then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_update.status = 'finished' then
    select coalesce(jsonb_agg(o.id order by o.id), '[]'::jsonb) into v_outgoing
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id;
    return jsonb_build_object(
      'outcome', 'finished', 'outgoing', v_outgoing,
      'withheld', p_answer is not null and v_update.answer is null
    );
  elsif not private.lock_user(v_update, p_session ? 'erase') then
    return jsonb_build_object('outcome', 'superseded');
  end if;

  if v_update.reservation = 'reserved' and p_reservation is distinct from 'settled' then
    p_reservation := case
      when private.has_billed_call(p_usage) then 'settled'
      when private.release_usage(
        v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from, p_usage <> '[]'
      ) then 'released'
      else 'settled'
    end;
  elsif p_reservation = 'settled' then
    v_referral_message := private.on_first_request(v_update.user_id, p_bot, p_update_id);
  end if;
  if p_session ? 'ban_notified' and not private.mark_ban_notified(v_update.user_id) then
    v_answer := null;
    p_outgoing := '[]';
  end if;
  if p_session ? 'finish_held' then
    update public.telegram_updates as t
       set status = 'finished', payload = null, error = null, lease_until = null
      from (
        select h.bot, h.update_id
          from public.telegram_updates as h
         where h.bot = p_bot and h.update_id = (p_session ->> 'finish_held')::bigint
           and h.user_id = v_update.user_id and h.status = 'failed'
           for update skip locked
      ) as held
     where t.bot = held.bot and t.update_id = held.update_id;
  end if;
  perform private.change_session(v_update, p_session, p_reservation, v_now);
  if p_messages <> '[]' then
    if v_update.kind = 'edited_message' then
      delete from public.messages as m
       where m.user_id = v_update.user_id and m.bot = p_bot and m.chat_id = v_update.chat_id
         and m.thread_id = v_update.thread_id and m.message_id = (p_messages -> 0 ->> 'message_id')::bigint;
    end if;
    insert into public.messages (user_id, bot, chat_id, thread_id, role, content, message_id, created_at)
    select v_update.user_id, p_bot, v_update.chat_id, v_update.thread_id, m.value ->> 'role', m.value ->> 'content',
      (m.value ->> 'message_id')::bigint, v_now
      from jsonb_array_elements(p_messages) with ordinality as m (value, position)
     order by m.position;
  end if;
  perform private.record_usage(
    v_update, p_usage, p_reservation is not distinct from 'settled' and v_update.reservation = 'reserved'
  );
  if p_outgoing <> '[]' then
    v_outgoing := private.enqueue_calls(p_bot, p_update_id, p_outgoing);
  end if;
  update public.telegram_updates as t
     set status = case when v_hold is null then 'finished' else 'failed' end,
         payload = case when v_hold is not null then t.payload end,
         error = null,
         lease_until = v_now + v_hold - interval '1 minute',  -- the sweep waits a minute longer
         reservation = coalesce(p_reservation, v_update.reservation),
         answer = case when v_hold is null then v_answer end
   where t.bot = p_bot and t.update_id = p_update_id;
  if p_session ? 'erase' then
    perform private.erase_user(v_update, p_session -> 'erase');
  end if;
  return jsonb_build_object(
    'outcome', 'finished', 'outgoing', v_outgoing, 'referral_message', v_referral_message,
    'withheld', p_answer is not null and v_answer is null
  );
end
$$;

revoke all on function public.finish_update from public, anon, authenticated, service_role;
grant execute on function public.finish_update to bot_backend;
comment on function public.finish_update is 'Commits what the handler of an update changed, and its answer';

-- Returns the newest messages of a session, oldest first: p_limit at most, and only as many as fit whole into
-- p_characters (null: no limit). Messages of p_without, which the user edited, are left out.
--
-- The result is json: for 50 messages a quarter of the CPU of jsonb, which would be parsed and printed again. One aggregate
-- is cheaper than a loop, and json_agg of rows parses nothing (docs/performance.md).
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_items json;
  v_bytes bigint;
begin
  loop
    select json_agg(i order by m.id), sum(octet_length(m.content))
      into v_items, v_bytes
      from (
        select r.id, r.role, r.content
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and (p_without is null or r.message_id is distinct from p_without)
         order by r.id desc
         limit p_limit
      ) as m
     cross join lateral (select m.role, m.content) as i;
    -- A text has at most as many characters as bytes, which are known without reading it.
    exit when coalesce(v_bytes <= p_characters, true);
    select count(*) into p_limit
      from (
        select sum(length(r.content)) over (order by r.id desc) as characters
          from public.messages as r
         where r.user_id = p_user_id and r.bot = p_bot and r.chat_id = p_chat_id and r.thread_id = p_thread
           and (p_without is null or r.message_id is distinct from p_without)
         order by r.id desc
         limit p_limit
      ) as s
     where s.characters <= p_characters;
    p_characters := null;
  end loop;
  return coalesce(v_items, '[]'::json);
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
  v_now timestamptz;
  v_dropped integer;
begin
  perform set_config('synchronous_commit', 'off', true);
  if not p_results @? '$[*] ? (@.outcome != "sent")' then
    delete from public.telegram_outbox as o
     where o.id = any (array(select (r.value ->> 'id')::bigint from jsonb_array_elements(p_results) as r (value)));
    return '{"dropped": 0}'::jsonb;
  end if;
  v_now := private.clock();
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

-- Decides whether a user's question may go to the AI, and reserves a request for it: from the plan while its day and
-- its month both have one left, then from bonus credits. Checks in this order: requests left, daily cost of the user,
-- daily cost of the bot, questions in progress. On a user API key only the last one applies.
--
-- p_timezone: the setting quota_timezone. p_cost: the most that the question may cost in US dollars. The reserved cost
-- of other questions in progress is added to what was spent, so the cost limits also hold for questions that arrive
-- together.
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
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_user record;
  v_quota record;
  v_settings jsonb;
  v_questions integer;
  v_user_cost numeric;
  v_bot_cost numeric;
  v_limits record;
begin
  select u.vip_level, u.bonus_credits into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'the user was erased at this moment' using errcode = '40001';
  end if;
  v_now := private.clock();  -- waiting for the lock takes time
  select jsonb_object_agg(s.key, s.value) into v_settings
    from private.settings as s
   where s.key in ('questions_in_progress', 'daily_releases', 'daily_cost_user', 'daily_cost_bot');
  v_questions := (v_settings ->> 'questions_in_progress')::integer;
  v_user_cost := (v_settings ->> 'daily_cost_user')::numeric;
  v_bot_cost := (v_settings ->> 'daily_cost_bot')::numeric;
  select
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
    reservation := case when v_limits.open_questions < v_questions then 'user_api_key' else 'in_progress' end;
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
    when v_user_cost > 0
      and private.user_cost(p_user_id, v_quota.day) + v_limits.open_cost + p_cost > v_user_cost then 'user_cost'
    when v_bot_cost > 0
      and not private.is_within_bot_cost_limit(p_bot, v_quota.day, p_update_id, p_cost, v_bot_cost) then 'bot_cost'
    when v_limits.open_questions >= v_questions then 'in_progress'
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
  releases_left := greatest((v_settings ->> 'daily_releases')::integer - v_limits.open_requests - v_quota.releases, 0);
end
$$;

revoke all on function private.reserve_usage from public, anon, authenticated, service_role;
comment on function private.reserve_usage is 'Decides whether a question may go to the AI, and reserves a request';
