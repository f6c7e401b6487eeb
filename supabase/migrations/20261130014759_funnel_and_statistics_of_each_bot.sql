-- Funnel and statistics of each bot.

-- Made anew below with one more parameter, which has a default: calls stay valid.
-- squawk-ignore ban-drop-function
drop function public.count_active_sessions(p_minutes integer);

-- Returns an admin's figures of one bot, or of all together: users, active ones, active sessions, messages, XP, trainings,
-- and the funnel of 30 days. A day is one of the setting quota_timezone.
--
-- Concurrency: read-only. It reads the sessions of the bot once, so it takes about half a second with a million of them.
-- Locks: none.
-- Returns: jsonb
--   bot: text | null
--   bots: [ text ]         (all that received updates lately)
--   users: int             (with a session in the bot)
--   new: { day: int, week: int, month: int }      (first session in the bot; today, 7 and 30 days)
--   active: { day: int, week: int, month: int }   (last used in the period)
--   active_sessions: int   (of the last hour)
--   messages: int          (and taps, of the last 24 hours)
--   requests: bigint       (AI requests served, of all time)
--   trainings: { day: int, week: int, month: int, total: int }   (with a score)
--   total_xp: bigint       (given to users who have a place on the boards: neither admins nor banned)
--   funnel: public.admin_funnel
-- Errors: N0001 not an admin.
create or replace function public.admin_bot_stats(p_admin_email text, p_bot text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_timezone text := private.setting('quota_timezone');
  v_today date := (v_now at time zone v_timezone)::date;
  v_day timestamptz := v_today::timestamp at time zone v_timezone;
  v_week timestamptz := (v_today - 6)::timestamp at time zone v_timezone;
  v_month timestamptz := (v_today - 29)::timestamp at time zone v_timezone;
  v_stats jsonb;
begin
  perform private.require_admin(p_admin_email);
  with users as (
    select s.user_id, min(s.created_at) as created_at, max(s.updated_at) as updated_at,
      sum(
        case when jsonb_typeof(s.stats_data -> 'requests') = 'number' then (s.stats_data ->> 'requests')::numeric else 0 end
      ) as requests
      from public.bot_sessions as s
     where p_bot is null or s.bot = p_bot
     group by s.user_id
  )
  select jsonb_build_object(
      'bot', p_bot,
      'users', count(*),
      'new', jsonb_build_object(
        'day', count(*) filter (where u.created_at >= v_day),
        'week', count(*) filter (where u.created_at >= v_week),
        'month', count(*) filter (where u.created_at >= v_month)
      ),
      'active', jsonb_build_object(
        'day', count(*) filter (where u.updated_at >= v_day),
        'week', count(*) filter (where u.updated_at >= v_week),
        'month', count(*) filter (where u.updated_at >= v_month)
      ),
      'active_sessions', public.count_active_sessions(60, p_bot),
      'requests', coalesce(sum(u.requests), 0)
    )
    into v_stats
    from users as u;
  return v_stats || jsonb_build_object(
    'bots', (
      -- Jumps from one bot to the next in the primary key.
      with recursive b (bot) as (
        (select min(t.bot) from public.telegram_updates as t)
        union all
        select (select min(t.bot) from public.telegram_updates as t where t.bot > b.bot) from b where b.bot is not null
      )
      select coalesce(jsonb_agg(b.bot order by b.bot) filter (where b.bot is not null), '[]') from b
    ),
    'messages', (
      select count(*)
        from public.telegram_updates as t
       where t.received_at > v_now - interval '1 day'
         and t.kind in ('message', 'callback_query')
         and t.user_id is not null
         and (p_bot is null or t.bot = p_bot)
    ),
    'trainings', (
      select jsonb_build_object(
          'day', count(*) filter (where h.training_date >= v_day),
          'week', count(*) filter (where h.training_date >= v_week),
          'month', count(*) filter (where h.training_date >= v_month),
          'total', count(*)
        )
        from public.training_history as h
       where p_bot is null or h.bot = p_bot
    ),
    'total_xp', (
      select coalesce(sum(x.k * x.n), 0)
        from (
          select h.k, h.n
            from public.board_histogram as h
           where h.board = coalesce(p_bot, '') and h.period = 'all' and h.lvl = 0
          union all
          select c.new_xp - c.old_xp, 1
            from public.board_changes as c
           where c.board = coalesce(p_bot, '') and c.period = 'all'
        ) as x
    ),
    'funnel', public.admin_funnel(p_admin_email, p_bot)
  );
end
$$;

revoke all on function public.admin_bot_stats from public, anon, authenticated, service_role;
grant execute on function public.admin_bot_stats to bot_backend, service_role;
comment on function public.admin_bot_stats is 'Returns an admin''s figures of one bot, or of all';

-- Returns how far users got who started a bot in a period: answered at least once, finished a training, paid. Each figure
-- counts users of those who started, until now. Without p_bot a user counts from the first session with any bot. The period
-- ends before p_until; without limits it is the last 30 days.
--
-- Concurrency: read-only. It reads the sessions that began in the period, over their index, and a few rows of each user.
-- Locks: none.
-- Returns: jsonb
--   since: timestamptz
--   until: timestamptz
--   started: int
--   answered: int          (an answer of the AI, or a classified question of a training)
--   finished: int          (a training with a score)
--   paid: int              (a payment for an order made in the bot, refunded or not; test payments are left out)
-- Errors: N0001 not an admin.
create or replace function public.admin_funnel(
  p_admin_email text, p_bot text default null, p_since timestamptz default null, p_until timestamptz default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_until timestamptz := coalesce(p_until, private.clock());
  v_since timestamptz := coalesce(p_since, v_until - interval '30 days');
  v_funnel jsonb;
begin
  perform private.require_admin(p_admin_email);
  with started as materialized (
    select distinct s.user_id
      from public.bot_sessions as s
     where s.created_at >= v_since
       and s.created_at < v_until
       and (p_bot is null or s.bot = p_bot)
       and not exists (
         select
           from public.bot_sessions as e
          where e.user_id = s.user_id and e.created_at < v_since and (p_bot is null or e.bot = p_bot)
       )
  ), steps as (
    select
      exists (
        select
          from public.bot_sessions as s
         where s.user_id = c.user_id
           and (p_bot is null or s.bot = p_bot)
           and s.stats_data -> 'requests' > '0'
      )
      or exists (
        select
          from public.trainings as t
         where t.user_id = c.user_id and (p_bot is null or t.bot = p_bot) and t.first_question_at is not null
      ) as answered,
      exists (
        select from public.training_history as h where h.user_id = c.user_id and (p_bot is null or h.bot = p_bot)
      ) as finished,
      exists (
        select
          from public.payments as p
          join public.orders as o on o.id = p.order_id
         where p.user_id = c.user_id
           and p.status in ('completed', 'refunded')
           and p.problem is distinct from 'test'
           and (p_bot is null or o.bot = p_bot)
      ) as paid
      from started as c
  )
  select jsonb_build_object(
      'since', v_since,
      'until', v_until,
      'started', count(*),
      'answered', count(*) filter (where s.answered),
      'finished', count(*) filter (where s.finished),
      'paid', count(*) filter (where s.paid)
    )
    into v_funnel
    from steps as s;
  return v_funnel;
end
$$;

revoke all on function public.admin_funnel from public, anon, authenticated, service_role;
grant execute on function public.admin_funnel to bot_backend, service_role;
comment on function public.admin_funnel is 'Returns how far new users of a bot got';

-- Takes over a user of another bot's own table of users (./switchboard adopt). p_hash is the key of the user's tombstone, or
-- empty. p_data, each part optional: {username, first_name, last_name, language, language_code: text, created_at,
-- last_activity: timestamptz, is_banned: boolean, xp: int, balance: numeric, vip_level: int, ends_at: timestamptz (null:
-- the plan does not end), stats: {…}}.
-- Names and languages fill in what is missing of a user whom no bot has seen. Statistics that the bot has already stay. The plan
-- is the highest one up to vip_level. The user is no new user to a referrer.
--
-- Concurrency: the user's row is locked. XP, balance and plan have references with the bot and the Telegram id
--   (import:… and adopt:…), so a repetition gives nothing twice; another amount than then is refused.
-- Locks: user (NO KEY UPDATE), session.
-- Returns: jsonb
--   outcome: 'created' | 'changed' | 'unchanged' | 'erased'
--   xp: int                 (given now)
--   balance: numeric        (given now)
--   plan: text | null       (granted now)
-- Errors: L0001 no Telegram user can have this id; L0003 another balance was taken over before; L0004 the balance is invalid;
--   S0001 the bot's name is invalid; Z0002 the XP is invalid; Z0003 other XP was imported before; 40001 the user was erased at
--   this moment (retry).
create or replace function private.adopt_user(p_bot text, p_telegram_id bigint, p_hash text, p_data jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_key constant text := format('adopt:%s:%s', p_bot, p_telegram_id);
  v_created_at constant timestamptz := (p_data ->> 'created_at')::timestamptz;
  v_user public.users;
  v_before public.users;
  v_is_new boolean;
  v_result jsonb;
  v_plan text;
  v_xp integer := 0;
  v_balance numeric := 0;
  v_granted text;
  v_has_stats boolean := false;
begin
  perform private.check_bot_name(p_bot);
  if exists (select from public.erased_users as e where e.user_hash = decode(p_hash, 'hex')) then
    return jsonb_build_object('outcome', 'erased', 'xp', 0, 'balance', '0', 'plan', null);
  end if;
  if p_telegram_id <= 0 or p_telegram_id >= (1::bigint << 52) then
    raise exception 'no Telegram user can have this id' using errcode = 'L0001';
  end if;
  insert into public.users as u (
    telegram_id, username, first_name, last_name, language, language_code, is_newcomer, banned_at, has_started, active_on,
    created_at, last_activity
  )
  values (
    p_telegram_id, p_data ->> 'username', coalesce(p_data ->> 'first_name', ''), p_data ->> 'last_name', p_data ->> 'language',
    coalesce(p_data ->> 'language_code', private.default_language()), false,
    case when (p_data ->> 'is_banned')::boolean then v_now end, false, date 'epoch', coalesce(v_created_at, v_now),
    coalesce((p_data ->> 'last_activity')::timestamptz, v_created_at, v_now)
  )
  on conflict (telegram_id) do nothing
  returning u.* into v_user;
  v_is_new := found;
  if not v_is_new then
    v_before := private.find_or_create_user(p_telegram_id);
    v_user := v_before;
    if not v_user.has_started then
      v_user.username := coalesce(v_user.username, p_data ->> 'username');
      v_user.first_name := coalesce(nullif(v_user.first_name, ''), p_data ->> 'first_name', '');
      v_user.last_name := coalesce(v_user.last_name, p_data ->> 'last_name');
      v_user.language := coalesce(v_user.language, p_data ->> 'language');
    end if;
    v_user.created_at := least(v_user.created_at, v_created_at);
    if v_user is distinct from v_before then
      update public.users as u
         set username = v_user.username, first_name = v_user.first_name, last_name = v_user.last_name,
             language = v_user.language, created_at = v_user.created_at
       where u.id = v_user.id;
    end if;
  end if;

  if coalesce((p_data ->> 'xp')::integer, 0) <> 0 then
    v_result := private.award_xp(
      v_user.id, p_bot, 'import', format('import:%s:%s', p_bot, p_telegram_id), (p_data ->> 'xp')::integer
    );
    v_xp := case when (v_result ->> 'awarded')::boolean then (v_result ->> 'points')::integer else 0 end;
  end if;
  if coalesce((p_data ->> 'balance')::numeric, 0) <> 0 then
    v_result := public.adjust_balance(
      p_telegram_id, (p_data ->> 'balance')::numeric, format('taken over from %s', p_bot), v_key
    );
    v_balance := case when (v_result ->> 'applied')::boolean then (p_data ->> 'balance')::numeric else 0 end;
  end if;
  if coalesce((p_data ->> 'ends_at')::timestamptz, 'infinity') > v_now then
    select l.plan into v_plan
      from public.subscription_limits as l
     where l.vip_level between 1 and (p_data ->> 'vip_level')::integer
     order by l.vip_level desc
     limit 1;
  end if;
  if v_plan is not null then
    insert into public.service_grants as g (user_id, kind, quantity, plan, reference)
    values (v_user.id, 'until', 1, v_plan, v_key)
    on conflict (reference) do nothing
    returning g.plan into v_granted;
  end if;
  if v_granted is not null then
    insert into public.subscriptions (user_id, plan, source, starts_at, ends_at)
    values (v_user.id, v_plan, 'adopted', v_now, (p_data ->> 'ends_at')::timestamptz);
    perform private.refresh_access(v_user.id);
  end if;
  if p_data ? 'stats' then
    -- A copy stays under "adopted" when the bot computes its statistics anew (public.update_user_stats_after_training).
    insert into public.bot_sessions as s (user_id, bot, chat_id, stats_data, created_at, updated_at)
    values (
      v_user.id, p_bot, p_telegram_id, (p_data -> 'stats') || jsonb_build_object('adopted', p_data -> 'stats'),
      v_user.created_at, greatest(v_user.created_at, v_user.last_activity)
    )
    on conflict (user_id, bot, chat_id, thread_id) do update
      set stats_data = excluded.stats_data || s.stats_data
      where not s.stats_data ?& array(select k.key from jsonb_object_keys(excluded.stats_data) as k (key));
    v_has_stats := found;
  end if;
  return jsonb_build_object(
    'outcome', case
      when v_is_new then 'created'
      when v_xp <> 0 or v_balance <> 0 or v_granted is not null or v_has_stats or v_user is distinct from v_before
        then 'changed'
      else 'unchanged'
    end,
    'xp', v_xp, 'balance', v_balance::text, 'plan', v_granted
  );
end
$$;

revoke all on function private.adopt_user from public, anon, authenticated, service_role;
comment on function private.adopt_user is 'Takes over a user of another bot''s table of users';

-- Counts the sessions in which a user wrote or tapped a button within the last p_minutes: one per user, bot, chat and
-- topic; with p_bot those of one bot. p_minutes is limited to 1 to 1440.
--
-- Concurrency: read-only, over telegram_updates_received_at_idx.
-- Locks: none.
-- Returns: bigint, the number of sessions.
-- Errors: none.
create or replace function public.count_active_sessions(p_minutes integer default 60, p_bot text default null)
returns bigint
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  -- A variable, because a condition on a volatile function cannot use the index.
  v_now timestamptz := private.clock();
begin
  return (
    select count(*)
      from (
        select distinct t.bot, t.user_id, t.chat_id, t.thread_id
          from public.telegram_updates as t
         where t.received_at > v_now - make_interval(mins => least(greatest(p_minutes, 1), 1440))
           and t.user_id is not null
           and t.chat_id is not null
           and (p_bot is null or t.bot = p_bot)
      ) as s
  );
end
$$;

revoke all on function public.count_active_sessions from public, anon, authenticated, service_role;
grant execute on function public.count_active_sessions to bot_backend, service_role;
comment on function public.count_active_sessions is 'Counts the sessions that were active within the last minutes';

-- Users under the column names of the first bots' tables, so that SELECTs of old services go on working. Read-only: it has
-- computed columns, and no role has other rights. It reads with the rights of its owner, because its one reader,
-- service_role, may read no table; so it calls no function of ours either.

create or replace view public.legacy_users as
select
  u.id,
  u.telegram_id,
  u.username as telegram_user_name,
  u.username,
  u.first_name,
  u.last_name,
  coalesce(u.language, u.language_code) as language,
  u.vip_level as "VIP_level",
  u.is_paid,
  u.is_admin,
  u.banned_at is not null as is_banned,
  u.is_active,
  u.balance,
  u.bonus_credits,
  u.total_xp,
  u.level,
  -- Trainings of the history and, before those, what the bot had when it was adopted; statistics that say more than the
  -- history are of a service that keeps none.
  (select coalesce(count(*), 0) from public.training_history as h where h.user_id = u.id)
  + (
    select coalesce(
        sum(
          case
            when jsonb_typeof(s.stats_data #> '{adopted,total_trainings}') = 'number'
              then floor((s.stats_data #>> '{adopted,total_trainings}')::numeric)
            when jsonb_typeof(s.stats_data -> 'total_trainings') = 'number'
              then greatest(floor((s.stats_data ->> 'total_trainings')::numeric) - h.total, 0)
          end
        ),
        0
      )
      from public.bot_sessions as s
      cross join lateral (
        select coalesce(count(*), 0) as total from public.training_history as h where h.user_id = u.id and h.bot = s.bot
      ) as h
     where s.user_id = u.id
  ) as total_trainings,
  (select coalesce(sum(h.score), 0) from public.training_history as h where h.user_id = u.id)
  + (
    select coalesce(
        sum(
          case
            when jsonb_typeof(s.stats_data #> '{adopted,total_score}') = 'number'
              then floor((s.stats_data #>> '{adopted,total_score}')::numeric)
            when jsonb_typeof(s.stats_data -> 'total_score') = 'number'
              then greatest(floor((s.stats_data ->> 'total_score')::numeric) - h.total, 0)
          end
        ),
        0
      )
      from public.bot_sessions as s
      cross join lateral (
        select coalesce(sum(h.score), 0) as total from public.training_history as h where h.user_id = u.id and h.bot = s.bot
      ) as h
     where s.user_id = u.id
  ) as total_score,
  u.referral_code,
  u.total_referrals,
  u.created_at as registration_date,
  u.created_at,
  u.updated_at,
  u.last_activity
  from public.users as u;

comment on view public.legacy_users is 'Users under the old column names, for SELECTs of other services';
revoke all on table public.legacy_users from public, anon, authenticated, service_role, bot_backend;
grant select on table public.legacy_users to service_role;

-- A migration is one transaction; at a million sessions the index takes about a second.
-- squawk-ignore require-concurrent-index-creation
CREATE INDEX bot_sessions_created_at_idx ON public.bot_sessions USING btree (created_at);
