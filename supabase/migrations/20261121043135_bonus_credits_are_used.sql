-- Bonus credits are used.

-- Internals, made anew with other parameters below, in this transaction.
-- squawk-ignore ban-drop-function
drop function private.release_usage(p_user_id bigint, p_bot text, p_day date);

-- squawk-ignore ban-drop-function
drop function private.reserve_usage(p_user_id bigint, p_bot text);

alter table public.daily_usage add column bonus_requests integer default 0 not null;

alter table public.telegram_updates add column reserved_from text;

-- Gives one AI request back to where it was taken from.
--
-- Twice or at once: the caller holds the update's row and asks only while that says "reserved".
-- Returns: nothing.
-- Errors: none.
create or replace function private.release_usage(
  p_user_id bigint, p_bot text, p_day date, p_reserved_from text
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if p_reserved_from = 'bonus' then
    update public.users as u set bonus_credits = u.bonus_credits + 1 where u.id = p_user_id;
    update public.daily_usage as u
       set bonus_requests = u.bonus_requests - 1
     where u.user_id = p_user_id and u.bot = p_bot and u.day = p_day and u.bonus_requests > 0;
  else
    update public.daily_usage as u
       set requests = u.requests - 1
     where u.user_id = p_user_id and u.bot = p_bot and u.day = p_day and u.requests > 0;
  end if;
end
$$;

revoke all on function private.release_usage from public, anon, authenticated;
comment on function private.release_usage is 'Gives one AI request back';

-- Takes one AI request off what a person has, before the AI is asked: off the plan's day, then off the bonus
-- credits.
--
-- Twice or at once: the person's row is locked, so of two requests at the last free place one gets it. The
--   caller holds the update's row and asks only when that has no reservation yet.
-- Returns: the day it counts for and what it was taken from (plan | bonus); both null when nothing is left.
-- Errors: none.
create or replace function private.reserve_usage(
  p_user_id bigint, p_bot text, out reserved_on date, out reserved_from text
)
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_user public.users;
  v_quota record;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  v_quota := private.quota(p_user_id, v_user.vip_level);
  if coalesce(v_quota.requests < v_quota.daily_requests, true) then
    reserved_from := 'plan';
  elsif v_user.bonus_credits > 0 then
    reserved_from := 'bonus';
    update public.users as u set bonus_credits = u.bonus_credits - 1 where u.id = p_user_id;
  else
    return;
  end if;
  reserved_on := v_quota.day;
  insert into public.daily_usage as u (user_id, bot, day, requests, bonus_requests)
  values (
    p_user_id, p_bot, v_quota.day, (reserved_from = 'plan')::integer, (reserved_from = 'bonus')::integer
  )
  on conflict (user_id, day, bot) do update
    set requests = u.requests + excluded.requests,
        bonus_requests = u.bonus_requests + excluded.bonus_requests;
end
$$;

revoke all on function private.reserve_usage from public, anon, authenticated;
comment on function private.reserve_usage is 'Takes one AI request off what a person has left';

-- What follows from a person's first served request: they are new no more, and whoever brought them hears of it.
--
-- Twice or at once: the caller holds the update's row; of two first requests at once the second finds the
--   referral completed. Nobody's row is locked before private.settle_referral locks both in their order.
-- Returns: json {id, method, parameters} of the notice that is owed to the referrer now, or null.
-- Errors: none.
create or replace function private.serve_newcomer(p_user_id bigint, p_bot text, p_update_id bigint)
returns json
language plpgsql
volatile
security invoker
set search_path = ''
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
      'values', jsonb_build_object('name', n.first_name, 'credits', r.referrer_credits)
    )
    into v_parameters
    from public.user_referrals as r
    join public.users as u on u.id = r.referrer_id
    join public.users as n on n.id = r.referred_id
   where r.id = v_referral.id;
  v_id := (
    private.owe_calls(
      p_bot, p_update_id, jsonb_build_array(jsonb_build_object('method', 'notice', 'parameters', v_parameters))
    ) ->> 0
  )::bigint;
  return json_build_object('id', v_id, 'method', 'notice', 'parameters', v_parameters);
end
$$;

revoke all on function private.serve_newcomer from public, anon, authenticated;
comment on function private.serve_newcomer is 'What follows from a person''s first served request';

-- Applies what a handler changed of a session and of the person's choices.
--
-- Twice or at once: each key is set on the row as it is now. The caller holds the update's row and calls once.
-- Returns: nothing. p_changes may hold mode, data (keys to set; null removes one), language, is_active, referrer_code
--   (who brought the person) and clear_history (true: the conversation is erased).
-- Errors: none.
create or replace function private.change_session(
  p_update public.telegram_updates, p_changes jsonb, p_reservation text
)
returns void
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if p_changes ?| array['language', 'is_active'] then
    update public.users as u
       set language = coalesce(p_changes ->> 'language', u.language),
           is_active = coalesce((p_changes ->> 'is_active')::boolean, u.is_active)
     where u.id = p_update.user_id;
  end if;
  if p_changes ? 'referrer_code' then
    perform private.attach_referral(p_update.user_id, p_changes ->> 'referrer_code');
  end if;
  if (p_changes ->> 'clear_history')::boolean then
    delete from public.messages as m
     where m.user_id = p_update.user_id and m.bot = p_update.bot and m.chat_id = p_update.chat_id;
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
   where s.user_id = p_update.user_id and s.bot = p_update.bot and s.chat_id = p_update.chat_id;
end
$$;

revoke all on function private.change_session from public, anon, authenticated;
comment on function private.change_session is 'Applies what a handler changed of a session';

-- Records that the work on an update failed: gives the lease and the reserved request back, and after three
-- failures of our own puts the update aside, so that it cannot block its chat for a day.
--
-- Twice or at once: the row is locked and its attempt compared; a worker that lost its lease changes nothing.
-- Returns: json {outcome: retry | set_aside | superseded, failures, answer}. p_answer (the apology) and
--   p_outgoing (the owner's alert) are kept only when it is put aside; p_counts is false when database,
--   network or a deployment failed and not our code, p_final true to put it aside at once.
-- Errors: none of its own.
create or replace function public.fail_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_error text,
  p_counts boolean default true,
  p_final boolean default false,
  p_answer jsonb default null,
  p_outgoing jsonb default '[]'
)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_update public.telegram_updates;
  v_failures integer;
  v_set_aside boolean;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if v_update.status = 'set_aside' and v_update.attempt = p_attempt then
    return json_build_object(
      'outcome', 'set_aside', 'failures', v_update.failures, 'answer', v_update.answer
    );
  elsif v_update.status is distinct from 'working' or v_update.attempt <> p_attempt then
    return json_build_object('outcome', 'superseded');
  end if;

  if v_update.reservation = 'reserved' then
    perform private.release_usage(
      v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from
    );
  end if;
  v_failures := v_update.failures + p_counts::integer;
  v_set_aside := p_final or v_failures >= 3;
  if v_set_aside and p_outgoing <> '[]' then
    perform private.owe_calls(p_bot, p_update_id, p_outgoing);
  end if;
  update public.telegram_updates as t
     set status = case when v_set_aside then 'set_aside' else 'failed' end,
         failures = v_failures,
         lease_until = case when not v_set_aside then private.clock() end,
         reservation = null,
         reserved_on = null,
         reserved_from = null,
         answer = case when v_set_aside then p_answer end,
         error = left(p_error, 2000)
   where t.bot = p_bot and t.update_id = p_update_id;
  return json_build_object(
    'outcome', case when v_set_aside then 'set_aside' else 'retry' end,
    'failures', v_failures,
    'answer', case when v_set_aside then p_answer end
  );
end
$$;

revoke all on function public.fail_update from public, anon, authenticated;
grant execute on function public.fail_update to bot_backend, service_role;
comment on function public.fail_update is 'Records a failure; after three the update is put aside';

-- The second of the two calls of an update: commits all that its handler changed, and its answer, together.
--
-- Twice or at once: the row is locked and its attempt compared. A worker that lost its lease changes nothing;
--   a repeated call after a lost answer changes nothing either and gets the same answer. Session data are
--   changed key by key, never written back whole, so a button and a message at once lose nothing.
--   A reserved request that the handler did not settle is given back, whatever p_reservation says.
-- Returns: json {outcome: finished | superseded, outgoing: [id], notice}: the ids of p_outgoing in order, and
--   what somebody else is to hear of now (private.serve_newcomer), or null.
-- Errors: none of its own.
create or replace function public.finish_update(
  p_bot text,
  p_update_id bigint,
  p_attempt integer,
  p_session jsonb default '{}',
  p_messages jsonb default '[]',
  p_reservation text default null,
  p_answer jsonb default null,
  p_outgoing jsonb default '[]'
)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_update public.telegram_updates;
  v_outgoing json := '[]'::json;
  v_notice json;
begin
  select t.* into v_update
    from public.telegram_updates as t
   where t.bot = p_bot and t.update_id = p_update_id
     for update;
  if not found or v_update.attempt <> p_attempt or v_update.status not in ('working', 'finished') then
    return json_build_object('outcome', 'superseded');
  elsif v_update.status = 'finished' then
    select coalesce(json_agg(o.id order by o.id), '[]'::json) into v_outgoing
      from public.telegram_outbox as o
     where o.bot = p_bot and o.update_id = p_update_id;
    return json_build_object('outcome', 'finished', 'outgoing', v_outgoing);
  end if;

  if v_update.reservation = 'reserved' and p_reservation is distinct from 'settled' then
    perform private.release_usage(
      v_update.user_id, p_bot, v_update.reserved_on, v_update.reserved_from
    );
    v_update.reservation := 'released';
  elsif p_reservation = 'settled' then
    v_notice := private.serve_newcomer(v_update.user_id, p_bot, p_update_id);
  end if;
  perform private.change_session(v_update, p_session, p_reservation);
  if p_messages <> '[]' then
    insert into public.messages (user_id, bot, chat_id, role, content, created_at)
    select v_update.user_id, p_bot, v_update.chat_id, m.value ->> 'role', m.value ->> 'content', v_now
      from jsonb_array_elements(p_messages) with ordinality as m (value, position)
     order by m.position;
  end if;
  if p_outgoing <> '[]' then
    v_outgoing := private.owe_calls(p_bot, p_update_id, p_outgoing);
  end if;
  update public.telegram_updates as t
     set status = 'finished',
         payload = null,
         error = null,
         lease_until = null,
         reservation = coalesce(p_reservation, v_update.reservation),
         answer = p_answer
   where t.bot = p_bot and t.update_id = p_update_id;
  return json_build_object('outcome', 'finished', 'outgoing', v_outgoing, 'notice', v_notice);
end
$$;

revoke all on function public.finish_update from public, anon, authenticated;
grant execute on function public.finish_update to bot_backend, service_role;
comment on function public.finish_update is 'Commits what the handler of an update changed, and its answer';

-- The first of the two calls of an update: stores it, drops duplicates, takes the lease, and loads all that
-- a handler may want to know.
--
-- Twice or at once: see private.take_update. Whoever takes over the work of a dead worker finds the request
--   that one reserved still reserved, and reserves no second one; the day stays the day of the first.
-- Returns: json
--   {outcome: work, attempt, failures, user, session, usage, reservation, history}
--     user    {id, telegram_id, is_new, language, language_code, vip_level, balance, currency,
--             created_at}
--     session {mode, data}
--     usage   {plan, requests, daily_requests, resets_at, timezone}
--     reservation: reserved | refused | null (not asked for, or a question awaits its answer)
--     history [{role, content}], the oldest first
--   {outcome: dead, attempt, failures, user: {language, language_code}}   put it aside
--   {outcome: busy, retry_after}                     seconds
--   {outcome: finished, answer, outgoing}            the stored answer, unless it is known to have arrived;
--                                                    outgoing [{id, method, parameters}] still owed
-- Errors: none of its own.
create or replace function public.receive_update(
  p_bot text,
  p_update_id bigint,
  p_delivery uuid,
  p_kind text,
  p_chat_id bigint,
  p_person jsonb,
  p_payload jsonb,
  p_lease_seconds integer,
  p_reserve boolean default false,
  p_history integer default 0
)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_taken record;
  v_user public.users;
  v_session public.bot_sessions;
  v_quota record;
  v_reserved record;
begin
  -- The update's row before the person's, as everybody else locks them: no two wait for each other.
  perform from public.telegram_updates as t where t.bot = p_bot and t.update_id = p_update_id for update;
  v_user := private.upsert_user(p_person, v_now);
  select * into v_taken from private.take_update(
    p_bot, p_update_id, p_delivery, p_kind, p_chat_id, v_user.id, p_payload, p_lease_seconds, v_now
  );
  if v_taken.outcome = 'busy' then
    return json_build_object(
      'outcome', 'busy',
      'retry_after', ceil(extract(epoch from v_taken.lease_until - private.clock()))
    );
  elsif v_taken.outcome = 'finished' then
    return private.answer_again(p_bot, p_update_id);
  elsif v_taken.outcome = 'dead' then
    return json_build_object(
      'outcome', 'dead', 'attempt', v_taken.attempt, 'failures', v_taken.deaths,
      'user', json_build_object('language', v_user.language, 'language_code', v_user.language_code)
    );
  end if;

  v_session := private.open_session(v_user.id, p_bot, p_chat_id);
  if p_reserve
    and v_taken.reservation is distinct from 'reserved'
    and v_session.session_data ->> 'awaiting' is null
  then
    v_reserved := private.reserve_usage(v_user.id, p_bot);
    v_taken.reservation := case when v_reserved.reserved_on is null then 'refused' else 'reserved' end;
    update public.telegram_updates as t
       set reservation = v_taken.reservation,
           reserved_on = v_reserved.reserved_on,
           reserved_from = v_reserved.reserved_from
     where t.bot = p_bot and t.update_id = p_update_id;
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);

  return json_build_object(
    'outcome', 'work',
    'attempt', v_taken.attempt,
    'failures', v_taken.failures,
    'user', json_build_object(
      'id', v_user.id,
      'telegram_id', v_user.telegram_id,
      'is_new', v_user.created_at = v_taken.received_at,
      'language', v_user.language,
      'language_code', v_user.language_code,
      'vip_level', v_user.vip_level,
      'balance', v_user.balance::text,
      'currency', private.setting('balance_currency'),
      'created_at', v_user.created_at
    ),
    'session', json_build_object('mode', v_session.mode, 'data', v_session.session_data),
    'usage', json_build_object(
      'plan', v_quota.plan,
      'requests', v_quota.requests,
      'daily_requests', v_quota.daily_requests,
      'resets_at', v_quota.resets_at,
      'timezone', private.setting('quota_timezone')
    ),
    'reservation', v_taken.reservation,
    'history', case
      when p_history > 0 then private.recent_messages(v_user.id, p_bot, p_chat_id, p_history)
      else '[]'::json
    end
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated;
grant execute on function public.receive_update to bot_backend, service_role;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Reserves one AI request for an update whose handler finds out late that it wants the AI. Plain text has
-- its request reserved by receive_update already.
--
-- Twice or at once: the update's row is locked; an update reserves one request, however often it asks.
-- Returns: json {outcome: reserved | refused | superseded}.
-- Errors: none of its own.
create or replace function public.reserve_request(p_bot text, p_update_id bigint, p_attempt integer)
returns json
language plpgsql
volatile
security definer
set search_path = ''
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
    return json_build_object('outcome', 'superseded');
  end if;
  if v_update.reservation is null then
    v_reserved := private.reserve_usage(v_update.user_id, p_bot);
    v_update.reservation := case when v_reserved.reserved_on is null then 'refused' else 'reserved' end;
    update public.telegram_updates as t
       set reservation = v_update.reservation,
           reserved_on = v_reserved.reserved_on,
           reserved_from = v_reserved.reserved_from
     where t.bot = p_bot and t.update_id = p_update_id;
  end if;
  return json_build_object('outcome', v_update.reservation);
end
$$;

revoke all on function public.reserve_request from public, anon, authenticated;
grant execute on function public.reserve_request to bot_backend, service_role;
comment on function public.reserve_request is 'Reserves one AI request for an update';

-- Keeps the hot tables small and gives back what vanished workers hold: requests reserved by updates that
-- are older than ten minutes and that nobody works on, finished and put-aside updates past their retention, old messages.
--
-- Twice or at once: rows that another sweep or a worker holds are skipped.
-- Returns: json {released, updates, messages}: how many of each, p_limit of each kind at most.
-- Errors: none of its own.
create or replace function public.sweep(p_limit integer default 1000)
returns json
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_now timestamptz := private.clock();
  v_stale record;
  v_released integer := 0;
  v_updates integer;
  v_messages integer;
begin
  for v_stale in
    select t.bot, t.update_id, t.user_id, t.reserved_on, t.reserved_from
      from public.telegram_updates as t
     where t.status in ('working', 'failed')
       and t.lease_until < v_now - interval '30 seconds'
       and t.received_at < v_now - interval '10 minutes'
       and t.reservation = 'reserved'
     order by t.user_id
     limit p_limit
       for update skip locked
  loop
    perform private.release_usage(
      v_stale.user_id, v_stale.bot, v_stale.reserved_on, v_stale.reserved_from
    );
    update public.telegram_updates as t
       set reservation = null, reserved_on = null, reserved_from = null
     where t.bot = v_stale.bot and t.update_id = v_stale.update_id;
    v_released := v_released + 1;
  end loop;

  delete from public.telegram_updates as t
   using (
     select o.bot, o.update_id
       from public.telegram_updates as o
      where o.received_at < v_now - make_interval(hours => private.setting('retention_updates_hours')::integer)
        and (
          o.status <> 'set_aside'
          or o.received_at < v_now - make_interval(days => private.setting('retention_set_aside_days')::integer)
        )
      order by o.received_at
      limit p_limit
        for update skip locked
   ) as old
   where t.bot = old.bot and t.update_id = old.update_id;
  get diagnostics v_updates = row_count;

  delete from public.messages as m
   using (
     select o.id
       from public.messages as o
      where o.created_at < v_now - make_interval(days => private.setting('retention_messages_days')::integer)
      order by o.created_at
      limit p_limit
        for update skip locked
   ) as old
   where m.id = old.id;
  get diagnostics v_messages = row_count;
  return json_build_object('released', v_released, 'updates', v_updates, 'messages', v_messages);
end
$$;

revoke all on function public.sweep from public, anon, authenticated;
grant execute on function public.sweep to bot_backend, service_role;
comment on function public.sweep is 'Releases stale reservations and drops what is past its retention';

-- The column is new and the same in every row, so there is nothing to wait for.
-- squawk-ignore constraint-missing-not-valid
alter table public.daily_usage add constraint daily_usage_bonus_requests_check CHECK ((bonus_requests >= 0));

-- squawk-ignore constraint-missing-not-valid
alter table public.telegram_updates add constraint telegram_updates_reserved_from_check CHECK ((reserved_from = ANY (ARRAY['plan'::text, 'bonus'::text])));

comment on column public.daily_usage.bonus_requests is 'Requests paid with bonus credits; the plan''s limit does not count them';

comment on column public.telegram_updates.reserved_from is 'What the reserved request was taken from: the plan''s day, or bonus credits';
