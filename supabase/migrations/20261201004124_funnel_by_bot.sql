-- The funnel by bot. The functions that are dropped are private and replaced here, with a parameter more; public.daily_funnel has few
-- rows, so its constraints are checked at once.
--
-- squawk-ignore-file constraint-missing-not-valid, ban-drop-constraint, ban-drop-function, adding-serial-primary-key-field

drop function private.count_new_user(p_user_id bigint, p_now timestamp with time zone);

drop function private.upsert_user(p_telegram_user jsonb, p_now timestamp with time zone);

alter table public.daily_funnel add column bot text default ''::text not null;

alter table public.user_milestones add column bot text default ''::text not null;

-- Finds the user of a Telegram account, or creates it, and stores what Telegram reports about the account now.
-- p_telegram_user: Telegram's User; its hash, if it has one, is the key of the tombstone of an erased user, which is
-- applied to a new row. p_bot: bot to which the account wrote.
--
-- Concurrency: two first updates at once meet in the unique telegram_id, and both get the one row. Nothing is written
--   while nothing changed, except last_activity every five minutes. The transaction that creates the row counts the
--   new user in daily_totals. A row that another service created (has_started is false) becomes new once: of two
--   first updates the second waits for the row's lock and finds it started.
-- Locks: user, only where something changed; for a new user then as private.count_new_user and
--   private.apply_tombstone.
-- Returns: public.users, the row.
-- Errors: none.
create or replace function private.upsert_user(p_telegram_user jsonb, p_now timestamptz, p_bot text default '')
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
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
    perform private.count_new_user(v_user.id, p_now, p_bot);
    if p_telegram_user ? 'hash' then
      v_user := private.apply_tombstone(v_user.id, p_telegram_user ->> 'hash');
    end if;
  end if;
  return v_user;
end
$$;

revoke all on function private.upsert_user from public, anon, authenticated, service_role;
comment on function private.upsert_user is 'Finds or creates the user of a Telegram account';

-- Returns how far the users got who started in a period: each step within 30 days of the start (user_milestones), in all and by the
-- bot that they started first.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   step: 'day' | 'week' | 'month'
--   points: [ { start: date, started: int, answered: int, limited: int, checkout: int, paid: int } ]
--   bots: [ { bot: text, started: int, answered: int, limited: int, checkout: int, paid: int } ]
--                              (the greatest first; empty: unknown)
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_funnel(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_step text := private.check_period(p_actor_id, p_from, p_until);
  v_found jsonb;
begin
  select jsonb_build_object(
      'step', v_step,
      'points', coalesce(
        jsonb_agg(
          jsonb_build_object(
            'start', p.start, 'started', p.started, 'answered', p.answered, 'limited', p.limited, 'checkout', p.checkout,
            'paid', p.paid
          )
          order by p.start
        ),
        '[]'::jsonb
      ),
      'bots', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'bot', b.bot, 'started', b.started, 'answered', b.answered, 'limited', b.limited, 'checkout', b.checkout,
                'paid', b.paid
              )
              order by b.started desc, b.bot
            ),
            '[]'::jsonb
          )
          from (
            select d.bot, coalesce(sum(d.users) filter (where d.step = 'started'), 0) as started,
              coalesce(sum(d.users) filter (where d.step = 'answered'), 0) as answered,
              coalesce(sum(d.users) filter (where d.step = 'limited'), 0) as limited,
              coalesce(sum(d.users) filter (where d.step = 'checkout'), 0) as checkout,
              coalesce(sum(d.users) filter (where d.step = 'paid'), 0) as paid
              from public.daily_funnel as d
             where d.cohort_day between p_from and p_until and d.users > 0
             group by d.bot
          ) as b
      )
    )
    into v_found
    from (
      select date_trunc(v_step, n.day::timestamp)::date as start, sum(n.users) as started,
        coalesce(sum(f.answered), 0) as answered, coalesce(sum(f.limited), 0) as limited,
        coalesce(sum(f.checkout), 0) as checkout, coalesce(sum(f.paid), 0) as paid
        from (
          select t.day, sum(t.new_users) as users
            from public.daily_totals as t
           where t.day between p_from and p_until and t.bot = '' and t.provider = '' and t.model = ''
           group by t.day
          having sum(t.new_users) > 0
        ) as n
        left join lateral (
          select sum(d.users) filter (where d.step = 'answered') as answered,
            sum(d.users) filter (where d.step = 'limited') as limited,
            sum(d.users) filter (where d.step = 'checkout') as checkout,
            sum(d.users) filter (where d.step = 'paid') as paid
            from public.daily_funnel as d
           where d.cohort_day = n.day
        ) as f on true
       group by 1
    ) as p;
  return v_found;
end
$$;

revoke all on function public.analytics_funnel from public, anon, authenticated, service_role;
grant execute on function public.analytics_funnel to bot_backend;
comment on function public.analytics_funnel is 'Returns how far users got who started in a period';

-- Records that a user reached a step of the funnel (answered, limited, checkout, paid) for the first time, and counts it within 30 days
-- of the user's start. Later calls, and those for users who have not started a bot, do nothing.
--
-- Concurrency: of two calls at once the second waits for the row and finds the step reached.
-- Locks: the user's row of user_milestones, then a row of daily_funnel.
-- Returns: void
-- Errors: none.
create or replace function private.count_milestone(p_user_id bigint, p_step text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_started_on date;
  v_bot text;
begin
  update public.user_milestones as m
     set answered_on = case when p_step = 'answered' then v_today else m.answered_on end,
         limited_on = case when p_step = 'limited' then v_today else m.limited_on end,
         checkout_on = case when p_step = 'checkout' then v_today else m.checkout_on end,
         paid_on = case when p_step = 'paid' then v_today else m.paid_on end
   where m.user_id = p_user_id
     and case p_step
           when 'answered' then m.answered_on when 'limited' then m.limited_on when 'checkout' then m.checkout_on
           else m.paid_on
         end is null
  returning m.started_on, m.bot into v_started_on, v_bot;
  if found and v_today - v_started_on <= 30 then
    insert into public.daily_funnel as f (cohort_day, bot, step, shard, users)
    values (v_started_on, v_bot, p_step, p_user_id & 15, 1)
    on conflict (cohort_day, bot, step, shard) do update set users = f.users + 1;
  end if;
end
$$;

revoke all on function private.count_milestone from public, anon, authenticated, service_role;
comment on function private.count_milestone is 'Records that a user reached a step of the funnel';

-- Recounts the figures of a finished day from the ledger, beside what was counted. allowed: by how much they may differ. Users who
-- were erased since are still counted, and gone from the ledger.
--
-- Concurrency: read-only. It reads the updates, AI calls and new users of the day, and the active subscriptions.
-- Locks: none.
-- Returns: table (figure text, counted numeric, recounted numeric, allowed numeric)
-- Errors: none.
create or replace function private.recount_day(p_day date)
returns table (figure text, counted numeric, recounted numeric, allowed numeric)
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_since timestamptz := private.day_start(p_day);
  v_until timestamptz := private.day_start(p_day + 1);
  v_erased numeric;
  v_percent numeric := private.setting('analytics_drift_percent')::numeric;
begin
  select count(*) into v_erased from private.erasures as e where e.erased_at >= v_since;
  return query
  with started as materialized (
    select m.* from public.user_milestones as m where m.started_on = p_day
  ), totals as (
    select coalesce(sum(t.new_users), 0) as new_users, coalesce(sum(t.calls), 0) as calls, coalesce(sum(t.cost), 0) as cost
      from public.daily_totals as t
     where t.day = p_day
  ), calls as (
    select count(*) as calls, coalesce(sum(a.cost), 0) as cost
      from public.api_usage as a
     where a.created_at >= v_since and a.created_at < v_until
  ), active as (
    -- The last activity of a user is accurate to five minutes, so some are counted a few minutes late or not on this day.
    select count(distinct t.user_id) as most,
      count(distinct t.user_id) filter (where t.received_at >= v_since + interval '5 minutes') as least
      from public.telegram_updates as t
     where t.received_at >= v_since and t.received_at < v_until
  ), counted_active as (
    select coalesce(sum(d.active), 0) as active from public.daily_active_users as d where d.day = p_day
  ), steps as (
    select s.step, b.bot,
      (
        select coalesce(sum(f.users), 0)
          from public.daily_funnel as f
         where f.cohort_day = p_day and f.bot = b.bot and f.step = s.step
      ) as counted,
      (
        select count(*)
          from started as m
         where m.bot = b.bot and case s.step
           when 'started' then true
           when 'answered' then m.answered_on is not null
           when 'limited' then m.limited_on is not null
           when 'checkout' then exists (
             select from public.orders as o where o.user_id = m.user_id and o.renewal_id is null
           )
           else exists (
             select from public.payments as p
              where p.user_id = m.user_id and p.amount > 0 and p.provider <> 'balance'
                and exists (select from public.payment_effects as e where e.payment_id = p.id)
           )
         end
      ) as recounted
      from unnest(array['started', 'answered', 'limited', 'checkout', 'paid']) as s (step)
      cross join (
        select m.bot from started as m
        union
        select f.bot from public.daily_funnel as f where f.cohort_day = p_day
      ) as b
  ), subscribed as (
    select distinct on (s.user_id) s.currency, s.monthly_amount
      from public.subscriptions as s
      join public.subscription_limits as l on l.plan = s.plan
     where s.status = 'active' and s.source = 'purchase' and s.monthly_amount is not null
     order by s.user_id, l.vip_level desc, s.id desc
  ), mrr as (
    select m.currency, sum(m.counted) as counted, sum(m.recounted) as recounted
      from (
        select d.currency, d.mrr as counted, 0 as recounted from public.daily_subscriptions as d where d.day = p_day
        union all
        select e.currency, e.amount, 0 from public.subscription_events as e where e.day > p_day
        union all
        select s.currency, 0, s.monthly_amount from subscribed as s
      ) as m
     group by m.currency
  ), revenue as (
    select r.currency, sum(r.counted) as counted, sum(r.recounted) as recounted
      from (
        select d.currency, d.gross - d.refunds as counted, 0 as recounted
          from public.daily_revenue as d
         where d.day = p_day - 1
        union all
        select l.currency, 0, l.gross - l.refunds from private.ledger_revenue(p_day - 1, p_day - 1) as l
      ) as r
     where exists (select from public.analytics_days as a where a.day = p_day - 1)
       and not exists (select from private.revenue_changes as c where c.day = p_day - 1)
     group by r.currency
  )
  select 'new_users', t.new_users, (select count(*) from started)::numeric, v_erased from totals as t
  union all
  select rtrim(format('funnel_%s %s', s.step, s.bot)), s.counted, s.recounted::numeric, v_erased from steps as s
  union all
  select 'active', c.active, greatest(least(c.active, a.most), a.least)::numeric,
    v_erased + greatest(ceil(c.active * v_percent / 100), 3)
    from counted_active as c
    cross join active as a
  union all
  select 'ai_calls', t.calls, c.calls::numeric, case when v_erased > 0 then 'infinity'::numeric else 0 end from totals as t cross join calls as c
  union all
  select 'ai_cost', t.cost, c.cost, case when v_erased > 0 then 'infinity'::numeric else 0 end from totals as t cross join calls as c
  union all
  select 'mrr ' || m.currency, m.counted, m.recounted, 0 from mrr as m
  union all
  select 'revenue ' || r.currency, r.counted, r.recounted, 0 from revenue as r;
end
$$;

revoke all on function private.recount_day from public, anon, authenticated, service_role;
comment on function private.recount_day is 'Recounts the figures of a finished day from the ledger';

-- Writes a message of a chat between a customer and the owner's own account (business_message) into a conversation, with the
-- customer as its user. The customer's row is created like that of any update, without a session.
--
-- p_connection: business_connection_id. p_telegram_user: the customer, as for receive_update. p_is_own: the owner's account wrote
-- it. p_message: as for private.record_incoming_message.
--
-- Concurrency: the conversation is locked; a message that it has already, such as one that the team sent, is not written again.
-- Locks: as private.upsert_user and private.open_messenger_conversation.
-- Returns: jsonb
--   outcome: 'recorded' | 'banned'
-- Errors: 40001, the user was erased in this moment; a repeated call creates a new user.
create or replace function public.record_business_message(p_bot text, p_connection text, p_telegram_user jsonb, p_is_own boolean, p_message jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_conversation public.conversations;
  v_message public.conversation_messages;
begin
  v_user := private.upsert_user(p_telegram_user, private.clock(), p_bot);
  if v_user.banned_at is not null then
    return '{"outcome": "banned"}'::jsonb;
  elsif not p_is_own then
    perform private.record_incoming_message(v_user.id, p_bot, p_message, p_connection);
    return '{"outcome": "recorded"}'::jsonb;
  end if;
  v_conversation := private.open_messenger_conversation(v_user.id, p_bot, p_connection);
  select m.* into v_message
    from public.conversation_messages as m
   where m.conversation_id = v_conversation.id and m.telegram_message_id = (p_message ->> 'message_id')::bigint;
  if v_message.id is null then
    v_conversation := private.next_message_number(v_conversation.id);
    insert into public.conversation_messages (
      conversation_id, body, direction, kind, source, seq, version, telegram_message_id, reply_to, media, read, status
    )
    values (
      v_conversation.id, p_message ->> 'body', 1, p_message ->> 'kind', 'staff', v_conversation.last_seq,
      v_conversation.last_version, (p_message ->> 'message_id')::bigint, (p_message ->> 'reply_to')::bigint,
      p_message -> 'media', true, 'sent'
    );
    update public.conversations as c
       set waiting_since = null, last_message_at = private.clock(),
           preview = private.message_preview(p_message ->> 'kind', p_message ->> 'body')
     where c.id = v_conversation.id;
  elsif p_message ? 'is_edit' and v_message.body <> p_message ->> 'body' then
    perform private.revise_message(
      v_message, private.touch_conversation(v_conversation.id), p_message ->> 'body', p_message -> 'media'
    );
  end if;
  return '{"outcome": "recorded"}'::jsonb;
end
$$;

revoke all on function public.record_business_message from public, anon, authenticated, service_role;
grant execute on function public.record_business_message to bot_backend;
comment on function public.record_business_message is 'Writes a message of a chat with the owner''s own account';

-- Records a user's answer to a quiz poll, once: the first answer counts. A right one gives XP. Any user who sees a forwarded
-- poll may answer it: the row is created like that of any update, without a session. A new level is
-- announced (private.announce_level).
--
-- p_telegram_user: as for receive_update. p_choice: empty where the vote was taken back.
--
-- Concurrency: the primary key of quiz_poll_answers lets one answer of a user count, so no update needs to be stored.
-- Locks: as private.upsert_user; user (NO KEY UPDATE), then as private.award_xp.
-- Returns: jsonb
--   outcome: 'counted' | 'known' | 'retracted' | 'banned' | 'unknown'   (unknown: no poll of this bot)
--   outgoing: outgoing
-- Errors: none.
create or replace function public.record_poll_answer(p_bot text, p_poll_id text, p_telegram_user jsonb, p_choice jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_choice constant smallint[] := array(select c.position::smallint from jsonb_array_elements_text(p_choice) as c (position));
  v_poll public.quiz_polls;
  v_user public.users;
  v_is_right boolean;
  v_award jsonb;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select p.* into v_poll from public.quiz_polls as p where p.bot = p_bot and p.poll_id = p_poll_id;
  if not found then
    return jsonb_build_object('outcome', 'unknown', 'outgoing', v_outgoing);
  elsif cardinality(v_choice) = 0 then
    return jsonb_build_object('outcome', 'retracted', 'outgoing', v_outgoing);
  end if;
  v_user := private.upsert_user(p_telegram_user, private.clock(), p_bot);
  if v_user.banned_at is not null and not v_user.is_admin then
    return jsonb_build_object('outcome', 'banned', 'outgoing', v_outgoing);
  end if;
  perform from public.users as u where u.id = v_user.id for no key update;
  v_is_right := v_poll.correct_option_ids @> v_choice and v_choice @> v_poll.correct_option_ids;
  insert into public.quiz_poll_answers (bot, poll_id, user_id, choice, is_right)
  values (p_bot, p_poll_id, v_user.id, v_choice, v_is_right)
  on conflict (bot, poll_id, user_id) do nothing;
  if not found then
    return jsonb_build_object('outcome', 'known', 'outgoing', v_outgoing);
  end if;
  if v_is_right then
    v_award := private.award_xp(
      v_user.id, p_bot, 'quiz_right', private.unused_reference(v_user.id, 'quiz_right', 'poll:' || p_poll_id)
    );
    v_outgoing := private.announce_level(v_user.id, p_bot, v_award);
  end if;
  return jsonb_build_object('outcome', 'counted', 'outgoing', v_outgoing);
end
$$;

revoke all on function public.record_poll_answer from public, anon, authenticated, service_role;
grant execute on function public.record_poll_answer to bot_backend;
comment on function public.record_poll_answer is 'Records a user''s answer to a quiz poll, once';

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
-- has no messenger. While a human answers, no AI request is reserved. Where one is, the conversation shows until the lease ends
-- that an answer is being written.
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
--   new update, with p_message the conversation, then as private.claim_held_part and private.reserve_usage. As everywhere,
--   a known update row comes before its user.
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
--   articles?: private.find_articles | null      (that fit the question; null: the bot has no published ones, or no AI is asked)
--   messenger?: {
--     conversation_id: bigint, handler: 'bot' | 'human' | 'paused', takeovers: int, is_returned: boolean
--   } | null               (null: the bot has no messenger; is_returned: the bot answers again since this message)
--   required_channel?: text | null     (that a free user must have joined; nothing is reserved before the bot has checked it)
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
  v_answers_until timestamptz;
  v_has_articles boolean;
  v_channel text;
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
  v_user := private.upsert_user(p_telegram_user, v_now, p_bot);
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
    (select s.value #>> '{}' from private.settings as s where s.key = 'maintenance'),
    case when p_reserve then (select true from private.settings as s where s.key = 'knowledge:' || p_bot) end,
    case when p_reserve and v_user.vip_level = 0 and not v_user.is_admin then (
      select s.value #>> '{}' from private.settings as s where s.key = 'required_channel:' || p_bot
    ) end
    into v_timezone, v_currency, v_maintenance, v_has_articles, v_channel;
  if v_channel = v_session.session_data #>> '{channel_member,channel}'
    and (v_session.session_data #>> '{channel_member,until}')::numeric > extract(epoch from v_now)
  then
    v_channel := null;
  end if;
  v_gate := case
    when v_user.is_admin then null
    when v_maintenance = 'true' then 'maintenance'
    when v_user.is_waiting then private.waiting_gate(v_user, p_payload #>> '{message,text}')
  end;
  p_reserve := p_reserve and v_gate is null;
  if p_reserve and v_channel is null and not v_banned and v_known.bot is null and not v_session.session_data ?| array['awaiting', 'paste'] then
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
    v_answers_until := case
      when p_reserve and v_channel is null and not v_session.session_data ? 'awaiting' then v_claim.lease_until
    end;
    v_messenger := case
      when v_claim.is_new then private.record_incoming_message(v_user.id, p_bot, p_message, p_answers_until => v_answers_until)
      else private.messenger_state(v_user.id, p_bot, v_answers_until)
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
    and v_channel is null
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
    'articles', case
      when v_has_articles and p_reserve and not v_banned then private.find_articles(
        p_bot, coalesce(p_payload #>> array[p_kind, 'text'], p_payload #>> array[p_kind, 'caption'])
      )
    end,
    'messenger', v_messenger,
    'required_channel', v_channel,
    'edited_question', v_edited_question,
    'is_old_edit', v_is_old_edit
  );
end
$$;

revoke all on function public.receive_update from public, anon, authenticated, service_role;
grant execute on function public.receive_update to bot_backend;
comment on function public.receive_update is 'Stores an update, drops duplicates, takes the lease and loads the session';

-- Adds a new user to the totals of the day and to the first step of the funnel, with the bot that the user started (empty: unknown).
--
-- Concurrency: the caller has just inserted or started the user's row, which happens once.
-- Locks: one of the sixteen rows of daily_funnel for new users of the bot, then of daily_totals.
-- Returns: void
-- Errors: none.
create or replace function private.count_new_user(p_user_id bigint, p_now timestamptz, p_bot text default '')
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with started as (
    insert into public.user_milestones (user_id, started_on, bot)
    values (p_user_id, (p_now at time zone private.setting('quota_timezone'))::date, p_bot)
    on conflict (user_id) do nothing
    returning started_on
  )
  insert into public.daily_funnel as f (cohort_day, bot, step, shard, users)
  select s.started_on, p_bot, 'started', p_user_id & 15, 1 from started as s
  on conflict (cohort_day, bot, step, shard) do update set users = f.users + 1;
  insert into public.daily_totals as t (day, provider, model, is_user_api_key, shard, new_users)
  values (
    (p_now at time zone private.setting('quota_timezone'))::date, '', '', false, p_user_id & 15, 1
  )
  on conflict (day, bot, provider, model, is_user_api_key, shard) do update
    set new_users = t.new_users + excluded.new_users;
$$;

revoke all on function private.count_new_user from public, anon, authenticated, service_role;
comment on function private.count_new_user is 'Adds a new user to the totals of the day';

alter table public.daily_funnel drop constraint daily_funnel_pkey;

alter table public.daily_funnel add constraint daily_funnel_pkey PRIMARY KEY (cohort_day, bot, step, shard);

alter table public.daily_funnel drop constraint daily_funnel_step_check;

alter table public.daily_funnel add constraint daily_funnel_step_check CHECK ((step = ANY (ARRAY['started'::text, 'answered'::text, 'limited'::text, 'checkout'::text, 'paid'::text])));

comment on column public.daily_funnel.bot is 'Bot that the users started first; empty: unknown';

comment on column public.user_milestones.bot is 'Bot that the user started first; empty: unknown, of users who came before it was recorded';

-- Users start with the bot of their first session. What counters hold beyond these users (those who were erased since) stays without a
-- bot.
update public.user_milestones as m
   set bot = (select s.bot from public.bot_sessions as s where s.user_id = m.user_id order by s.created_at, s.bot limit 1)
 where exists (select from public.bot_sessions as s where s.user_id = m.user_id);

insert into public.daily_funnel (cohort_day, bot, step, shard, users)
select m.started_on, m.bot, s.step, m.user_id & 15, count(*)
  from public.user_milestones as m
  cross join lateral (
    values ('started', m.started_on), ('answered', m.answered_on), ('limited', m.limited_on), ('checkout', m.checkout_on),
      ('paid', m.paid_on)
  ) as s (step, day)
 where m.bot <> '' and s.day - m.started_on <= 30
 group by 1, 2, 3, 4;

update public.daily_funnel as f
   set users = greatest(f.users - k.users, 0)
  from (
    select d.cohort_day, d.step, d.shard, sum(d.users) as users from public.daily_funnel as d where d.bot <> '' group by 1, 2, 3
  ) as k
 where f.bot = '' and f.cohort_day = k.cohort_day and f.step = k.step and f.shard = k.shard;

insert into public.daily_funnel (cohort_day, bot, step, shard, users)
select n.day, '', 'started', n.shard, n.users - coalesce(k.users, 0)
  from (
    select t.day, t.shard, sum(t.new_users) as users
      from public.daily_totals as t
     where t.bot = '' and t.provider = '' and t.model = ''
     group by 1, 2
  ) as n
  left join (
    select d.cohort_day, d.shard, sum(d.users) as users from public.daily_funnel as d where d.step = 'started' group by 1, 2
  ) as k on k.cohort_day = n.day and k.shard = n.shard
 where n.users > coalesce(k.users, 0);
