-- Xp and badges.

-- Checks the form of a badge's condition: {"all": [["fact", "operator", number], …]} or the same with "any". The operators
-- are >=, >, =, <, <=; a fact is a name of lower case letters, digits and _.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_badge_condition(p_condition jsonb)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text;
  v_test jsonb;
begin
  if jsonb_typeof(p_condition) <> 'object' or (select count(*) from jsonb_object_keys(p_condition)) <> 1 then
    return false;
  end if;
  select k.key into v_key from jsonb_object_keys(p_condition) as k (key);
  if v_key not in ('all', 'any') or jsonb_typeof(p_condition -> v_key) <> 'array'
    or jsonb_array_length(p_condition -> v_key) = 0
  then
    return false;
  end if;
  for v_test in select t.value from jsonb_array_elements(p_condition -> v_key) as t (value) loop
    if jsonb_typeof(v_test) <> 'array' then
      return false;
    elsif jsonb_array_length(v_test) <> 3
      or jsonb_typeof(v_test -> 0) <> 'string' or v_test ->> 0 !~ '^[a-z][a-z0-9_]*$'
      or jsonb_typeof(v_test -> 1) <> 'string' or v_test ->> 1 not in ('>=', '>', '=', '<', '<=')
      or jsonb_typeof(v_test -> 2) <> 'number'
    then
      return false;
    end if;
  end loop;
  return true;
end
$$;

revoke all on function private.is_badge_condition from public, anon, authenticated, service_role;
comment on function private.is_badge_condition is 'Checks the form of a badge''s condition';

-- Trigger of levels, before a change: waits for running awards and holds new ones until the change is committed, so that no
-- user gets a level of the old list (private.refresh_levels sets those of all others).
--
-- Concurrency: an award reads levels after it has locked its user, so a change may meet it in a deadlock. Postgres then
--   cancels one of both, which can be repeated.
-- Locks: table levels (ACCESS EXCLUSIVE).
-- Returns: trigger, null (ignored for a trigger of a statement).
-- Errors: none.
create or replace function private.lock_levels()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table public.levels in access exclusive mode;
  return null;
end
$$;

revoke all on function private.lock_levels from public, anon, authenticated, service_role;
comment on function private.lock_levels is 'Holds awards while the list of levels changes';

-- Trigger of levels, after a change: sets users.level of all users whose level the new list changes.
--
-- Concurrency: private.lock_levels holds awards until the transaction ends.
-- Locks: the users whose level changes (NO KEY UPDATE), by id.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.refresh_levels()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  with changed as (
    select u.id
      from public.users as u
     where u.level <> private.xp_level(u.total_xp)
     order by u.id
       for no key update
  )
  update public.users as u set level = private.xp_level(u.total_xp) from changed as c where u.id = c.id;
  return null;
end
$$;

revoke all on function private.refresh_levels from public, anon, authenticated, service_role;
comment on function private.refresh_levels is 'Sets the level of all users after a change of the list';

-- Returns the level that a number of XP reaches: the highest of the table levels whose min_xp is not above it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer, 1 where no level is reached.
-- Errors: none.
create or replace function private.xp_level(p_xp bigint)
returns integer
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce((select max(l.level) from public.levels as l where l.min_xp <= p_xp), 1);
end
$$;

revoke all on function private.xp_level from public, anon, authenticated, service_role;
comment on function private.xp_level is 'Returns the level that a number of XP reaches';

-- Badges that users receive when their figures meet a condition (private.award_due_badges).

create table public.badges (
  badge text not null check (badge ~ '^[a-z][a-z0-9_]{0,63}$'),
  bot text not null,
  condition jsonb not null check (private.is_badge_condition(condition)),
  primary key (badge, bot)
);

comment on table public.badges is 'Badges that a condition awards';
comment on column public.badges.bot is 'The bot whose figures count; empty: those of any bot, and the badge belongs to none';
comment on column public.badges.condition is '{"all": [["best_score", ">=", 185]]}, or "any"; see private.is_badge_condition';
alter table public.badges enable row level security;
revoke all on table public.badges from public, anon, authenticated, service_role;

insert into public.badges (badge, bot, condition)
values
('level_5', '', '{"all": [["level", ">=", 5]]}'),
('level_10', '', '{"all": [["level", ">=", 10]]}'),
('level_20', '', '{"all": [["level", ">=", 20]]}'),
('streak_7', '', '{"all": [["streak", ">=", 7]]}'),
('streak_30', '', '{"all": [["streak", ">=", 30]]}'),
('streak_100', '', '{"all": [["streak", ">=", 100]]}'),
('first_training', '', '{"all": [["total_trainings", ">=", 1]]}'),
('spin_master', 'spin', '{"all": [["best_score", ">=", 185]]}'),
('ten_trainings', 'spin', '{"all": [["total_trainings", ">=", 10]]}'),
('full_clarity', 'spin', '{"all": [["clarity", ">=", 100]]}'),
('maestro_3', 'spin', '{"all": [["maestro_streak", ">=", 3]]}'),
('first_quiz', 'quiz', '{"all": [["total_runs", ">=", 1]]}'),
('perfect_run', 'quiz', '{"all": [["right_percent", ">=", 100], ["questions", ">=", 10]]}'),
('hundred_right', 'quiz', '{"all": [["total_right", ">=", 100]]}')
on conflict (badge, bot) do nothing;

-- Levels, common to all bots. A change applies at once to all users (private.refresh_levels).

create table public.levels (
  level integer primary key check (level >= 1),
  min_xp bigint not null unique check (min_xp >= 0),
  name_key text not null check (name_key ~ '^[a-z][a-z0-9_]*$')
);

comment on table public.levels is 'Levels and the XP that each needs';
comment on column public.levels.min_xp is 'Lowest users.total_xp of this level; level 1 begins at 0';
comment on column public.levels.name_key is 'Key of the level''s name in the texts, without the prefix level_name_';
alter table public.levels enable row level security;
revoke all on table public.levels from public, anon, authenticated, service_role;

-- Each step needs 100 XP more than the one before.
insert into public.levels (level, min_xp, name_key)
values
(1, 0, 'novice'),
(2, 100, 'novice'),
(3, 300, 'novice'),
(4, 600, 'novice'),
(5, 1000, 'apprentice'),
(6, 1500, 'apprentice'),
(7, 2100, 'apprentice'),
(8, 2800, 'apprentice'),
(9, 3600, 'specialist'),
(10, 4500, 'specialist'),
(11, 5500, 'specialist'),
(12, 6600, 'specialist'),
(13, 7800, 'expert'),
(14, 9100, 'expert'),
(15, 10500, 'expert'),
(16, 12000, 'expert'),
(17, 13600, 'master'),
(18, 15300, 'master'),
(19, 17100, 'master'),
(20, 19000, 'master')
on conflict (level) do nothing;

create trigger levels_lock
before insert or update or delete on public.levels
for each statement execute function private.lock_levels();

create trigger levels_refresh_users
after insert or update or delete on public.levels
for each statement execute function private.refresh_levels();

-- Badges that users have received, shown in all bots.

create table public.user_badges (
  user_id bigint not null references public.users (id) on delete cascade,
  badge text not null check (badge ~ '^[a-z][a-z0-9_]{0,63}$'),
  bot text not null,
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  earned_at timestamptz not null default private.clock(),
  revoked_at timestamptz,
  primary key (user_id, badge, bot)
);

comment on table public.user_badges is 'Badges that users have received';
comment on column public.user_badges.bot is 'The bot in which it was earned; empty: in none';
comment on column public.user_badges.metadata is 'What the bot keeps with it, for example the score';
comment on column public.user_badges.revoked_at is 'Since when it is taken back, by an admin or by an erasure: no condition awards it again; null: the user has it';
alter table public.user_badges enable row level security;
revoke all on table public.user_badges from public, anon, authenticated, service_role;

-- Append-only ledger of users.total_xp, which is the sum of the user's rows. A correction is a row of the rule correction.

create table public.xp_awards (
  id bigint generated always as identity,
  user_id bigint not null references public.users (id) on delete cascade,
  bot text not null,
  rule text not null,
  reference text not null check (reference <> ''),
  requested integer not null,
  points integer not null,
  created_at timestamptz not null default private.clock(),
  primary key (user_id, rule, reference)
);

create index xp_awards_day_idx on public.xp_awards (user_id, rule, created_at);

create trigger xp_awards_immutable
before update on public.xp_awards
for each row execute function private.refuse_change();

-- The foreign key deletes the rows of an erased user: a trigger of users, so at depth 1.
create trigger xp_awards_kept
before delete on public.xp_awards
for each row when (pg_trigger_depth() = 0)
execute function private.refuse_change();

comment on table public.xp_awards is 'Append-only ledger of XP';
comment on column public.xp_awards.id is 'Number in the order in which the user received the rows';
comment on column public.xp_awards.bot is 'The bot in which it was earned; empty: in none';
comment on column public.xp_awards.reference is 'Idempotency key within the user and the rule, for example spin:4711; once:<bot> for a rule that gives once';
comment on column public.xp_awards.requested is 'Points before the limits of the day; of a correction, before the limit at zero';
comment on column public.xp_awards.points is 'Change of users.total_xp';
alter table public.xp_awards enable row level security;
revoke all on table public.xp_awards from public, anon, authenticated, service_role;
revoke all on sequence public.xp_awards_id_seq from public, anon, authenticated, service_role;

-- What users receive XP for. A row of a bot applies instead of the row that all bots have in common (bot '').

create table public.xp_rules (
  bot text not null,
  rule text not null check (rule ~ '^[a-z][a-z0-9_]{0,63}$'),
  points integer check (points between 1 and 1000000),
  daily_cap integer check (daily_cap >= 0),
  daily_percent integer[] check (cardinality(daily_percent) > 0 and 0 <= all(daily_percent) and 100 >= all(daily_percent)),
  is_once boolean not null default false,
  has_periods boolean not null default true,
  primary key (bot, rule)
);

comment on table public.xp_rules is 'What users receive XP for';
comment on column public.xp_rules.bot is 'The bot in which the rule applies; empty: in all of them, and for other services';
comment on column public.xp_rules.points is 'XP of one award if the caller gives none; null: the caller gives them';
comment on column public.xp_rules.daily_cap is 'Most XP that a user receives by this rule in one bot on a day (setting quota_timezone); null: no limit';
comment on column public.xp_rules.daily_percent is 'Percent of the points that the first, second, … award of a day gives; the last one applies to all further ones';
comment on column public.xp_rules.is_once is 'Whether a user receives it once only, whatever the reference, also after an erasure';
comment on column public.xp_rules.has_periods is 'Whether it counts on the boards of the day and the week';
alter table public.xp_rules enable row level security;
revoke all on table public.xp_rules from public, anon, authenticated, service_role;

insert into public.xp_rules (bot, rule, points, daily_cap, daily_percent, is_once, has_periods)
values
('', 'correction', null, null, null, false, false),
('', 'import', null, null, null, false, false),
('', 'service', null, null, null, false, true),
('', 'referral_completed', 50, null, null, false, true),
('assistant', 'first_request', 20, null, null, true, true),
('spin', 'training_finished', null, null, '{100, 100, 100, 50, 25}', false, true),
('quiz', 'quiz_right', 5, 200, null, false, true),
('quiz', 'quiz_run', 20, 100, null, false, true),
('quiz', 'daily_challenge', 30, 30, null, false, true)
on conflict (bot, rule) do nothing;

-- Collects what is stored about a user's XP, badges, streak and places on boards. Of the awards it holds the newest 10,000.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.xp_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'awards', (
      select coalesce(jsonb_agg(to_jsonb(a.award) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
        from (
          select x as award, x.id from public.xp_awards as x where x.user_id = p_user_id order by x.id desc limit 10000
        ) as a
    ),
    'badges', (
      select coalesce(jsonb_agg(to_jsonb(b) - 'user_id' order by b.earned_at, b.badge, b.bot), '[]'::jsonb)
        from public.user_badges as b
       where b.user_id = p_user_id
    )
  );
$$;

revoke all on function private.xp_section from public, anon, authenticated, service_role;
comment on function private.xp_section is 'Collects what is stored about a user''s XP, badges, streak and boards';

-- Gives a user who was erased and returns what had been used up: referral, free trial, trainings of channels,
-- redeemed promo codes and the wrong ones of today, XP that is given once, requests of today and this month, a ban.
-- Badges of before are not awarded again. Everything else starts from zero.
--
-- Concurrency: the caller has just inserted the user's row, or holds one that another service created; what that
--   service gave stays. The tombstone is deleted, and saved again by the next erasure.
-- Locks: the row of erased_users, user, then trainings, counters and promo codes of the user.
-- Returns: public.users, the user's row.
-- Errors: none.
create or replace function private.apply_tombstone(p_user_id bigint, p_hash text)
returns public.users
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_tombstone public.erased_users;
  v_user public.users;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  delete from public.erased_users as e where e.user_hash = decode(p_hash, 'hex') returning e.* into v_tombstone;
  if found then
    update public.users as u
       set is_newcomer = u.is_newcomer and not v_tombstone.used ? 'referral',
           trial_used = u.trial_used or v_tombstone.used ? 'trial',
           banned_at = coalesce(u.banned_at, (v_tombstone.used ->> 'banned_at')::timestamptz)
     where u.id = p_user_id;
    insert into public.free_trainings (user_id, source, reference, quantity)
    select p_user_id, 'channel', c.reference, 0
      from jsonb_array_elements_text(v_tombstone.used -> 'channels') as c (reference)
    on conflict (user_id, source, reference) do nothing;
    insert into public.xp_awards (user_id, bot, rule, reference, requested, points)
    select p_user_id, x.bot, x.rule, x.reference, 0, 0
      from jsonb_to_recordset(v_tombstone.used -> 'xp') as x (bot text, rule text, reference text)
    on conflict (user_id, rule, reference) do nothing;
    insert into public.user_badges (user_id, badge, bot, revoked_at)
    select p_user_id, b.badge, b.bot, private.clock()
      from jsonb_to_recordset(v_tombstone.used -> 'badges') as b (bot text, badge text)
    on conflict (user_id, badge, bot) do nothing;
    insert into public.daily_usage as u (user_id, bot, day, requests)
    select p_user_id, d.bot, d.day, d.requests
      from jsonb_to_recordset(v_tombstone.usage -> 'daily') as d (bot text, day date, requests integer)
     where d.day >= v_today
    on conflict (user_id, day, bot) do update set requests = u.requests + excluded.requests;
    insert into public.monthly_usage as u (user_id, month, requests)
    select p_user_id, m.month, m.requests
      from jsonb_to_recordset(v_tombstone.usage -> 'monthly') as m (month date, requests integer)
     where m.month >= date_trunc('month', v_today::timestamp)
    on conflict (user_id, month) do update set requests = u.requests + excluded.requests;
    -- Consumed: the erasure deleted what the code gave, unused discounts included.
    insert into public.promocode_usages (promocode_id, user_id, given, consumed_at)
    select p.id, p_user_id, '{}', private.clock()
      from public.promocodes as p
     where p.id in (
       select substr(k.key, length('promocode:') + 1)::bigint
         from jsonb_object_keys(v_tombstone.used) as k (key)
        where starts_with(k.key, 'promocode:')
     )
    on conflict (promocode_id, user_id) do nothing;
    insert into public.promocode_attempts as p (user_id, day, failed_attempts)
    select p_user_id, t.day, t.failed_attempts
      from jsonb_to_record(v_tombstone.usage -> 'promocode_attempts') as t (day date, failed_attempts integer)
     where t.day >= v_today
    on conflict (user_id) do update set day = excluded.day, failed_attempts = greatest(p.failed_attempts, excluded.failed_attempts);
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id;
  return v_user;
end
$$;

revoke all on function private.apply_tombstone from public, anon, authenticated, service_role;
comment on function private.apply_tombstone is 'Gives a returning user what had been used up';

-- Stores what a user who is being erased must not get again, under a keyed hash that does not identify the user:
-- referral, free trial, trainings of channels, promo codes, badges and XP that are given once, requests of today and
-- this month, wrong promo codes of today, a ban. A user who used nothing leaves no row.
--
-- Concurrency: the caller has locked the user exclusively. A user who was erased before, returned and is erased again
--   has one row.
-- Locks: the row of erased_users.
-- Returns: void
-- Errors: none.
create or replace function private.save_tombstone(p_user public.users, p_hash text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_used jsonb := jsonb '{}';
  v_usage jsonb := jsonb '{}';
  v_daily jsonb;
  v_monthly jsonb;
  v_channels jsonb;
  v_xp jsonb;
  v_badges jsonb;
  v_promocode_tries jsonb;
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  if not p_user.is_newcomer
    or exists (select from public.user_referrals as r where r.referred_id = p_user.id)
  then
    v_used := v_used || '{"referral": true}';
  end if;
  if p_user.trial_used
    -- A buyer gets no trial either, and after the erasure the purchase is not visible any more.
    or exists (select from public.subscriptions as s where s.user_id = p_user.id and s.source = 'purchase')
  then
    v_used := v_used || '{"trial": true}';
  end if;
  v_used := v_used || coalesce(
    (
      select jsonb_object_agg('promocode:' || u.promocode_id, true)
        from public.promocode_usages as u
       where u.user_id = p_user.id
    ),
    '{}'::jsonb
  );
  if p_user.banned_at is not null then
    v_used := v_used || jsonb_build_object('banned_at', p_user.banned_at);
  end if;
  select jsonb_agg(f.reference order by f.id) into v_channels
    from public.free_trainings as f
   where f.user_id = p_user.id and f.source = 'channel';
  if v_channels is not null then
    v_used := v_used || jsonb_build_object('channels', v_channels);
  end if;
  select jsonb_agg(jsonb_build_object('bot', a.bot, 'rule', a.rule, 'reference', a.reference)) into v_xp
    from public.xp_awards as a
   where a.user_id = p_user.id and starts_with(a.reference, 'once:');
  if v_xp is not null then
    v_used := v_used || jsonb_build_object('xp', v_xp);
  end if;
  select jsonb_agg(jsonb_build_object('bot', b.bot, 'badge', b.badge)) into v_badges
    from public.user_badges as b
   where b.user_id = p_user.id;
  if v_badges is not null then
    v_used := v_used || jsonb_build_object('badges', v_badges);
  end if;
  select jsonb_agg(jsonb_build_object('bot', d.bot, 'day', d.day, 'requests', d.requests)) into v_daily
    from public.daily_usage as d
   where d.user_id = p_user.id
     and d.day >= v_today
     and d.requests > 0;
  if v_daily is not null then
    v_usage := jsonb_build_object('daily', v_daily);
  end if;
  select jsonb_agg(jsonb_build_object('month', m.month, 'requests', m.requests)) into v_monthly
    from public.monthly_usage as m
   where m.user_id = p_user.id
     and m.month >= date_trunc('month', v_today::timestamp)
     and m.requests > 0;
  if v_monthly is not null then
    v_usage := v_usage || jsonb_build_object('monthly', v_monthly);
  end if;
  select v_usage || jsonb_build_object('promocode_attempts', jsonb_build_object('day', t.day, 'failed_attempts', t.failed_attempts))
    into v_promocode_tries
    from public.promocode_attempts as t
   where t.user_id = p_user.id and t.day >= v_today and t.failed_attempts > 0;
  v_usage := coalesce(v_promocode_tries, v_usage);
  if v_used = '{}' and v_usage = '{}' then
    return;
  end if;
  insert into public.erased_users as e (user_hash, used, usage)
  values (decode(p_hash, 'hex'), v_used, v_usage)
  on conflict (user_hash) do update
    set used = e.used || excluded.used,
        usage = excluded.usage,
        erased_at = excluded.erased_at;
end
$$;

revoke all on function private.save_tombstone from public, anon, authenticated, service_role;
comment on function private.save_tombstone is 'Stores what an erased user must not get again';

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
      )
    ),
    'xp', private.xp_section(u.id),
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

-- Completes the first served request of a user: clears `is_newcomer` and gives the XP of the rule
-- first_request, if the bot has one.
--
-- Concurrency: the XP are given once, see private.award_xp.
-- Locks: user (NO KEY UPDATE).
-- Returns: void
-- Errors: none.
create or replace function private.complete_first_request(p_user_id bigint, p_bot text)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users as u set is_newcomer = false where u.id = p_user_id;
  if found and exists (select from public.xp_rules as x where x.bot in (p_bot, '') and x.rule = 'first_request') then
    perform private.award_xp(p_user_id, p_bot, 'first_request', 'first_request');
  end if;
end
$$;

revoke all on function private.complete_first_request from public, anon, authenticated, service_role;
comment on function private.complete_first_request is 'Completes the first served request of a user';

-- Completes a user's first served request: clears `is_newcomer`, gives XP, settles a pending referral and enqueues a message to
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
set search_path = pg_catalog, pg_temp
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
    perform private.complete_first_request(p_user_id, p_bot);
    return null;
  end if;
  perform private.complete_first_request(p_user_id, p_bot);
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

-- Completes a pending referral: both users get their credits, and the referrer gets XP; or ends it without credits when the referrer has
-- reached the setting referral_daily_limit. If the referrer was erased, the referred user still gets theirs.
--
-- Concurrency: both users are locked in the order of their ids, so two referrals that cross cannot deadlock. The
--   status is read under the lock and changes once.
-- Locks: both users (NO KEY UPDATE) by id, then the referral (FOR UPDATE).
-- Returns: text, completed | already_completed | limit_reached | not_new (the two referred each other, or the
--   referral was erased).
-- Errors: none.
create or replace function private.settle_referral(p_referred_id bigint)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_referral public.user_referrals;
  v_day_begins timestamptz;
  v_timezone text := private.setting('quota_timezone');
  v_today integer;
begin
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id;
  perform from public.users as u
    where u.id in (v_referral.referrer_id, p_referred_id)
    order by u.id
      for no key update;
  select r.* into v_referral from public.user_referrals as r where r.referred_id = p_referred_id for update;
  if v_referral.id is null then  -- erased concurrently
    return 'not_new';
  elsif v_referral.status = 'completed' then
    return 'already_completed';
  elsif v_referral.status = 'limit_reached' then
    return 'limit_reached';
  elsif exists (
    select from public.user_referrals as r
     where r.referred_id = v_referral.referrer_id
       and r.referrer_id = p_referred_id
       and r.status = 'completed'
  ) then
    return 'not_new';
  end if;

  v_day_begins := date_trunc('day', v_now at time zone v_timezone) at time zone v_timezone;
  select count(*) into v_today
    from public.user_referrals as r
   where r.referrer_id = v_referral.referrer_id
     and r.status = 'completed'
     and r.completed_at >= v_day_begins;
  if v_today >= private.setting('referral_daily_limit')::integer then
    update public.user_referrals as r
       set status = 'limit_reached', completed_at = v_now
     where r.id = v_referral.id;
    return 'limit_reached';
  end if;

  update public.user_referrals as r
     set status = 'completed',
         completed_at = v_now,
         referrer_credits = case
           when r.referrer_id is null then 0
           else private.setting('referral_referrer_credits')::integer
         end,
         referred_credits = private.setting('referral_referred_credits')::integer
   where r.id = v_referral.id
  returning r.* into v_referral;
  update public.users as u
     set bonus_credits = u.bonus_credits + v_referral.referrer_credits,
         referral_credits = u.referral_credits + v_referral.referrer_credits,
         total_referrals = u.total_referrals + 1
   where u.id = v_referral.referrer_id;
  update public.users as u
     set bonus_credits = u.bonus_credits + v_referral.referred_credits
   where u.id = p_referred_id;
  perform private.award_xp(v_referral.referrer_id, '', 'referral_completed', 'referral:' || v_referral.id)
    from public.xp_rules as x
   where x.bot = '' and x.rule = 'referral_completed' and v_referral.referrer_id is not null;
  return 'completed';
end
$$;

revoke all on function private.settle_referral from public, anon, authenticated, service_role;
comment on function private.settle_referral is 'Completes a pending referral';

-- Awards a badge to a user, once per badge and bot. Called by our own code and, with the secret key, by other services of
-- the same owner. The badge need not be in the table badges, which holds those with a condition. Creates no user.
--
-- Concurrency: see private.award_badge: of several calls at once one returns true.
-- Locks: user (KEY SHARE).
-- Returns: boolean, true once: when the user receives the badge now.
-- Errors: Z0002 the name of the badge, the bot or the metadata are invalid; Z0004 no such user.
create or replace function public.award_badge(
  p_telegram_id bigint, p_bot text, p_badge text, p_metadata jsonb default '{}'
)
returns boolean
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.award_badge(
    (select u.id from public.users as u where u.telegram_id = p_telegram_id), p_bot, p_badge, p_metadata
  );
end
$$;

revoke all on function public.award_badge from public, anon, authenticated, service_role;
grant execute on function public.award_badge to bot_backend, service_role;
comment on function public.award_badge is 'Awards a badge to a user, once';

-- Awards the badges of a bot, and those of no bot, whose condition the user's figures meet. p_facts: figures by name, for
-- example {"best_score": 190}; total_xp, level and streak are added here. A condition on a figure that is missing is not met.
--
-- Concurrency: see private.award_badge: each badge is returned by one call only.
-- Locks: user (KEY SHARE).
-- Returns: jsonb
--   [ text ]               (the badges that the user receives now, in alphabetical order)
-- Errors: Z0004 no such user.
create or replace function private.award_due_badges(p_user_id bigint, p_bot text, p_facts jsonb)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_facts jsonb;
  v_badge public.badges;
  v_awarded jsonb := '[]';
begin
  select p_facts || jsonb_build_object('total_xp', u.total_xp, 'level', u.level) into v_facts
    from public.users as u
   where u.id = p_user_id;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  for v_badge in
    select b.*
      from public.badges as b
     where b.bot in (p_bot, '')
       and private.meets_condition(b.condition, v_facts)
       and not exists (
         select
           from public.user_badges as h
          where h.user_id = p_user_id and h.badge = b.badge and h.bot = b.bot
       )
     order by b.badge, b.bot
  loop
    if private.award_badge(p_user_id, v_badge.bot, v_badge.badge, jsonb_build_object('earned_in', p_bot)) then
      v_awarded := v_awarded || to_jsonb(v_badge.badge);
    end if;
  end loop;
  return v_awarded;
end
$$;

revoke all on function private.award_due_badges from public, anon, authenticated, service_role;
comment on function private.award_due_badges is 'Awards the badges whose condition a user''s figures meet';

-- Gives a user XP, once per user, rule and reference. Called by our own code and, with the secret key, by other services of
-- the same owner. Without p_points the rule gives as many as its row in xp_rules says. The rule correction also takes XP
-- (negative points), down to zero. Creates no user.
--
-- Concurrency: see private.award_xp: of fifty calls with one reference one awards, and only its result can say leveled_up.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   awarded: boolean       (false: the reference is known, or the limits of the day left nothing)
--   points: int            (that this reference gave, now or before; negative: a correction)
--   leveled_up: boolean    (only in the call that awarded)
--   old_level: int
--   new_level: int
--   total_xp: bigint
-- Errors: Z0002, Z0003, Z0004, Z0008, see private.award_xp.
create or replace function public.award_xp(
  p_telegram_id bigint, p_bot text, p_rule text, p_reference text, p_points integer default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return private.award_xp(
    (select u.id from public.users as u where u.telegram_id = p_telegram_id), p_bot, p_rule, p_reference, p_points
  );
end
$$;

revoke all on function public.award_xp from public, anon, authenticated, service_role;
grant execute on function public.award_xp to bot_backend, service_role;
comment on function public.award_xp is 'Gives a user XP, once per rule and reference';

-- Counts the different badges of a user, of all bots or of one.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: integer, how many; 0 for an unknown user, too.
-- Errors: none.
create or replace function public.count_badges(p_telegram_id bigint, p_bot text default null)
returns integer
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select count(distinct b.badge)
      from public.user_badges as b
      join public.users as u on u.id = b.user_id
     where u.telegram_id = p_telegram_id
       and b.revoked_at is null
       and (p_bot is null or b.bot = p_bot)
  );
end
$$;

revoke all on function public.count_badges from public, anon, authenticated, service_role;
grant execute on function public.count_badges to bot_backend, service_role;
comment on function public.count_badges is 'Counts the different badges of a user';

-- Lists the badges of a user, of all bots or of one, oldest first. A badge that was earned in two bots is listed twice.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { badge: text, bot: text, metadata: jsonb, earned_at: timestamptz } ]   (empty for an unknown user, too)
-- Errors: none.
create or replace function public.get_user_badges(p_telegram_id bigint, p_bot text default null)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(
        jsonb_agg(
          jsonb_build_object('badge', b.badge, 'bot', b.bot, 'metadata', b.metadata, 'earned_at', b.earned_at)
          order by b.earned_at, b.badge, b.bot
        ),
        '[]'
      )
      from public.user_badges as b
      join public.users as u on u.id = b.user_id
     where u.telegram_id = p_telegram_id
       and b.revoked_at is null
       and (p_bot is null or b.bot = p_bot)
  );
end
$$;

revoke all on function public.get_user_badges from public, anon, authenticated, service_role;
grant execute on function public.get_user_badges to bot_backend, service_role;
comment on function public.get_user_badges is 'Lists the badges of a user';

-- Returns whether a user has a badge, in any bot or in one.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function public.has_badge(p_telegram_id bigint, p_badge text, p_bot text default null)
returns boolean
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  return exists (
    select
      from public.user_badges as b
      join public.users as u on u.id = b.user_id
     where u.telegram_id = p_telegram_id
       and b.badge = p_badge
       and b.revoked_at is null
       and (p_bot is null or b.bot = p_bot)
  );
end
$$;

revoke all on function public.has_badge from public, anon, authenticated, service_role;
grant execute on function public.has_badge to bot_backend, service_role;
comment on function public.has_badge is 'Returns whether a user has a badge';

-- Awards a badge to a user, once per badge and bot (public.award_badge for other SQL functions). A badge that was revoked
-- stays revoked.
--
-- Concurrency: of several calls at once the primary key of user_badges lets one insert.
-- Locks: user (KEY SHARE).
-- Returns: boolean, true once: when the user receives the badge now.
-- Errors: Z0002 the name of the badge, the bot or the metadata are invalid; Z0004 no such user.
create or replace function private.award_badge(
  p_user_id bigint, p_bot text, p_badge text, p_metadata jsonb default '{}'
)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_bot is null or coalesce(p_badge, '') !~ '^[a-z][a-z0-9_]{0,63}$'
    or coalesce(jsonb_typeof(p_metadata), '') <> 'object' or octet_length(p_metadata::text) > 4000
  then
    raise exception 'the badge, the bot or the metadata are invalid' using errcode = 'Z0002';
  end if;
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  insert into public.user_badges (user_id, badge, bot, metadata)
  values (p_user_id, p_badge, p_bot, p_metadata)
  on conflict (user_id, badge, bot) do nothing;
  return found;
end
$$;

revoke all on function private.award_badge from public, anon, authenticated, service_role;
comment on function private.award_badge is 'Awards a badge to a user, once';

-- Gives a user XP, once per user, rule and reference (public.award_xp for other SQL functions). The limits of the rule may
-- lower the points, also to zero; such an award is recorded too, so that a repetition does not give them later.
--
-- Concurrency: calls for one user are serialized by the user's row lock, so a repeated reference finds the row of the first
--   call. total_xp and level change in the same statement.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   ...public.award_xp
-- Errors: Z0002 the points or the reference are invalid; Z0003 the reference was used with other points or in another bot;
--   Z0004 no such user; Z0008 no such rule, or it needs points.
create or replace function private.award_xp(
  p_user_id bigint, p_bot text, p_rule text, p_reference text, p_points integer default null
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := private.clock();
  v_rule public.xp_rules;
  v_known public.xp_awards;
  v_reference text := p_reference;
  v_requested integer;
  v_points integer;
  v_old_level integer;
  v_new_level integer;
  v_total bigint;
begin
  select r.* into v_rule
    from public.xp_rules as r
   where r.rule = p_rule and r.bot in (p_bot, '')
   order by r.bot desc
   limit 1;
  v_requested := coalesce(p_points, v_rule.points);
  if v_requested is null or v_rule.rule is null then
    raise exception 'no such XP rule, or it needs points' using errcode = 'Z0008';
  elsif abs(v_requested) > 1000000 or (v_requested < 0 and p_rule <> 'correction')
    or p_bot is null or coalesce(p_reference, '') = ''
  then
    raise exception 'the points or the reference are invalid' using errcode = 'Z0002';
  elsif v_rule.is_once then
    v_reference := 'once:' || v_rule.bot;
  end if;

  select u.total_xp, u.level into v_total, v_old_level from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'Z0004';
  end if;
  select a.* into v_known
    from public.xp_awards as a
   where a.user_id = p_user_id and a.rule = p_rule and a.reference = v_reference;
  if found then
    if not v_rule.is_once
      and (v_known.bot <> p_bot or (p_points is not null and v_known.requested <> p_points))
    then
      raise exception 'the reference was used with other points or in another bot' using errcode = 'Z0003';
    end if;
    return jsonb_build_object(
      'awarded', false, 'points', v_known.points, 'leveled_up', false,
      'old_level', v_old_level, 'new_level', v_old_level, 'total_xp', v_total
    );
  end if;

  v_points := greatest(private.limited_points(p_user_id, p_bot, v_rule, v_requested, v_now), -v_total);
  insert into public.xp_awards (user_id, bot, rule, reference, requested, points, created_at)
  values (p_user_id, p_bot, p_rule, v_reference, v_requested, v_points, v_now);
  v_total := v_total + v_points;
  v_new_level := private.xp_level(v_total);
  if v_points <> 0 then
    update public.users as u set total_xp = v_total, level = v_new_level where u.id = p_user_id;
  end if;
  return jsonb_build_object(
    'awarded', v_points <> 0, 'points', v_points, 'leveled_up', v_new_level > v_old_level,
    'old_level', v_old_level, 'new_level', v_new_level, 'total_xp', v_total
  );
end
$$;

revoke all on function private.award_xp from public, anon, authenticated, service_role;
comment on function private.award_xp is 'Gives a user XP, once per rule and reference';

-- Returns the points of an award after the limits of its rule: the percent of the day's next award, then what the cap of the
-- day leaves. Days are those of the setting quota_timezone.
--
-- Concurrency: the caller holds the user's row, so no other award of the user is stored meanwhile.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.limited_points(
  p_user_id bigint, p_bot text, p_rule public.xp_rules, p_points integer, p_now timestamptz
)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_timezone text;
  v_count integer;
  v_sum bigint;
  v_points bigint := p_points;
begin
  if p_rule.daily_cap is null and p_rule.daily_percent is null then
    return p_points;
  end if;
  v_timezone := private.setting('quota_timezone');
  select count(*), coalesce(sum(a.points), 0) into v_count, v_sum
    from public.xp_awards as a
   where a.user_id = p_user_id
     and a.rule = p_rule.rule
     and a.created_at >= date_trunc('day', p_now at time zone v_timezone) at time zone v_timezone
     and a.bot = p_bot
     and a.points > 0;
  if p_rule.daily_percent is not null then
    v_points := v_points * p_rule.daily_percent[least(v_count + 1, cardinality(p_rule.daily_percent))] / 100;
  end if;
  return case when p_rule.daily_cap is null then v_points else least(v_points, greatest(p_rule.daily_cap - v_sum, 0)) end;
end
$$;

revoke all on function private.limited_points from public, anon, authenticated, service_role;
comment on function private.limited_points is 'Returns the points of an award after the limits of its rule';

-- Returns whether figures meet a badge's condition (private.is_badge_condition). A figure that is missing or no number meets
-- nothing.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.meets_condition(p_condition jsonb, p_facts jsonb)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_all constant boolean := p_condition ? 'all';
  v_test jsonb;
  v_fact numeric;
  v_limit numeric;
  v_is_met boolean;
begin
  for v_test in
    select t.value from jsonb_array_elements(p_condition -> case when v_is_all then 'all' else 'any' end) as t (value)
  loop
    v_fact := case when jsonb_typeof(p_facts -> (v_test ->> 0)) = 'number' then (p_facts ->> (v_test ->> 0))::numeric end;
    v_limit := (v_test ->> 2)::numeric;
    v_is_met := coalesce(
      case v_test ->> 1
        when '>=' then v_fact >= v_limit
        when '>' then v_fact > v_limit
        when '=' then v_fact = v_limit
        when '<' then v_fact < v_limit
        when '<=' then v_fact <= v_limit
      end,
      false
    );
    if v_is_met <> v_is_all then
      return v_is_met;
    end if;
  end loop;
  return v_is_all;
end
$$;

revoke all on function private.meets_condition from public, anon, authenticated, service_role;
comment on function private.meets_condition is 'Returns whether figures meet a badge''s condition';

comment on column public.erased_users.used is 'One-time benefits used, by name: referral, promocode:<id>, trial, channels (whose free trainings were received), xp and badges (awards of rules that give once, and all badges); also banned_at, without the reason of the ban';
