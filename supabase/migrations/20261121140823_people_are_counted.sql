-- People are counted.

-- Without its default, which would write every row today; they get their own day below.
alter table public.users add column active_on date;

-- Keeps daily_people what users.active_on says, whoever changes it.
--
-- Twice or at once: every change of a row adds and takes one. The rows are taken by day, the earlier one first,
--   so no two wait for each other. What was never counted (rows copied in without triggers) is not taken off.
-- Returns: null, as after-triggers may.
-- Errors: none.
create or replace function private.count_active_people()
returns trigger
language plpgsql
volatile
security invoker
set search_path = ''
as $$
begin
  if tg_op = 'DELETE' then
    update public.daily_people as d
       set last_active = d.last_active - 1
     where d.day = '-infinity' and d.shard = old.id & 15 and d.last_active > 0;
  elsif tg_op = 'INSERT' then
    insert into public.daily_people as d (day, shard, last_active)
    values ('-infinity', new.id & 15, 1)
    on conflict (day, shard) do update set last_active = d.last_active + 1;
  end if;
  if tg_op <> 'INSERT' then
    update public.daily_people as d
       set last_active = d.last_active - 1
     where d.day = old.active_on and d.shard = old.id & 15 and d.last_active > 0;
  end if;
  if tg_op <> 'DELETE' then
    insert into public.daily_people as d (day, shard, active, last_active)
    values (new.active_on, new.id & 15, 1, 1)
    on conflict (day, shard) do update set active = d.active + 1, last_active = d.last_active + 1;
  end if;
  return null;
end
$$;

revoke all on function private.count_active_people from public, anon, authenticated;
comment on function private.count_active_people is 'Keeps daily_people what users.active_on says';

-- How many people were active, by day. Counters that follow users.active_on by themselves
-- (private.count_active_people), so nobody ever counts people.
--
-- Sums over a day's sixteen rows:
--   active       people who were active on that day
--   last_active  people whose last active day it is so far: over the last n days together, exactly the people
--                active within these n days; a person is in one day's row only and moves on with every new day
-- The rows of day -infinity are no day: their last_active is everybody there is.
-- `shard` means nothing: sixteen rows take the writers of one figure, so that they do not wait for each other.

create table public.daily_people (
  day date not null,
  -- squawk-ignore prefer-bigint-over-smallint
  shard smallint not null check (shard between 0 and 15),
  active bigint not null default 0 check (active >= 0),
  last_active bigint not null default 0 check (last_active >= 0),
  primary key (day, shard)
);

comment on table public.daily_people is 'How many people were active, by day; a figure is the sum of its column';
comment on column public.daily_people.day is 'A day in the time zone of the setting quota_timezone; -infinity for everybody there is';
comment on column public.daily_people.shard is 'Means nothing: it spreads the writers of one figure over sixteen rows';
comment on column public.daily_people.active is 'People active on that day';
comment on column public.daily_people.last_active is 'People whose last active day it is so far';
alter table public.daily_people enable row level security;
revoke all on table public.daily_people from public, anon, authenticated, service_role;

-- Finds the person behind a Telegram account, or creates them; takes over what Telegram says of them now.
--
-- Twice or at once: two first messages meet in the unique telegram_id, and both get the one row. Nothing is
--   written while nothing changed, but for last_activity every five minutes. Whoever makes the row counts
--   the new person in daily_totals.
-- Returns: the row. p_person is Telegram's User; its hash, if there is one, finds what a person who was erased
--   must not collect again.
-- Errors: none.
create or replace function private.upsert_user(p_person jsonb, p_now timestamptz)
returns public.users
language plpgsql
volatile
security invoker
set search_path = ''
as $$
declare
  v_telegram_id bigint := (p_person ->> 'id')::bigint;
  v_user public.users;
  v_stored record;
begin
  select u.* into v_user from public.users as u where u.telegram_id = v_telegram_id;
  if found
    and v_user.last_activity > p_now - interval '5 minutes'
    and v_user.username is not distinct from p_person ->> 'username'
    and v_user.first_name = coalesce(p_person ->> 'first_name', '')
    and v_user.last_name is not distinct from p_person ->> 'last_name'
    and v_user.language_code is not distinct from p_person ->> 'language_code'
  then
    return v_user;
  end if;

  insert into public.users as u
    (telegram_id, username, first_name, last_name, language_code, created_at, last_activity, active_on)
  values (
    v_telegram_id, p_person ->> 'username', coalesce(p_person ->> 'first_name', ''),
    p_person ->> 'last_name', p_person ->> 'language_code', p_now, p_now,
    (p_now at time zone private.setting('quota_timezone'))::date
  )
  on conflict (telegram_id) do update
    set username = excluded.username,
        first_name = excluded.first_name,
        last_name = excluded.last_name,
        language_code = excluded.language_code,
        last_activity = greatest(u.last_activity, excluded.last_activity),
        active_on = greatest(u.active_on, excluded.active_on)
  -- A row that was there has been locked by this transaction, which its xmax names; a new one has none.
  returning u as person, u.xmax = 0 as is_new into v_stored;
  v_user := v_stored.person;
  if v_stored.is_new then
    perform private.count_new_person(v_user.id, p_now);
    if p_person ? 'hash' then
      v_user := private.restore_person(v_user.id, p_person ->> 'hash');
    end if;
  end if;
  return v_user;
end
$$;

revoke all on function private.upsert_user from public, anon, authenticated;
comment on function private.upsert_user is 'Finds or creates the person behind a Telegram account';

-- Finds a person by Telegram id or @name for an admin, with what is worth knowing before acting.
--
-- Twice or at once: only reads. A @name can have passed from one person to another: whoever wrote last of
--   those who had it has it now.
-- Returns: jsonb {id, telegram_id, username, first_name, last_name, language, is_admin, is_active, created_at,
--   last_activity, banned_at, ban_reason, plan, plan_ends_at, requests, daily_requests, month_requests,
--   monthly_requests (null is no limit), bonus_credits, balance (text), currency, total_referrals, keys (how
--   many of their own), timezone, plans (the names there are, the lowest first)}, or null when there is nobody.
-- Errors: N0001 not an admin.
create or replace function public.admin_find_user(p_who text, p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_user public.users;
  v_quota record;
begin
  perform private.require_admin(p_admin_email);
  if p_who ~ '^[0-9]{1,18}$' then
    select u.* into v_user from public.users as u where u.telegram_id = p_who::bigint;
  else
    select u.* into v_user
      from public.users as u
     where lower(u.username) = lower(ltrim(p_who, '@'))
     order by u.last_activity desc
     limit 1;
  end if;
  if not found then
    return null;
  end if;
  v_quota := private.quota(v_user.id, v_user.vip_level);
  return jsonb_build_object(
    'id', v_user.id,
    'telegram_id', v_user.telegram_id,
    'username', v_user.username,
    'first_name', v_user.first_name,
    'last_name', v_user.last_name,
    'language', coalesce(v_user.language, v_user.language_code),
    'is_admin', v_user.is_admin,
    'is_active', v_user.is_active,
    'created_at', v_user.created_at,
    'last_activity', v_user.last_activity,
    'banned_at', v_user.banned_at,
    'ban_reason', v_user.ban_reason,
    'plan', v_quota.plan,
    'plan_ends_at', private.plan_of(v_user.id) -> 'ends_at',
    'requests', v_quota.requests,
    'daily_requests', v_quota.daily_requests,
    'month_requests', v_quota.month_requests,
    'monthly_requests', v_quota.monthly_requests,
    'bonus_credits', v_user.bonus_credits,
    'balance', v_user.balance::text,
    'currency', private.setting('balance_currency'),
    'total_referrals', v_user.total_referrals,
    'keys', (select count(*) from public.user_tokens as k where k.user_id = v_user.id),
    'timezone', private.setting('quota_timezone'),
    'plans', (select jsonb_agg(l.plan order by l.vip_level) from public.subscription_limits as l)
  );
end
$$;

revoke all on function public.admin_find_user from public, anon, authenticated;
grant execute on function public.admin_find_user to bot_backend, service_role;
comment on function public.admin_find_user is 'Finds a person by Telegram id or @name for an admin';

-- Tells an admin how the bots do: people, requests, AI calls and what they cost, of today, 7 and 30 days.
--
-- Twice or at once: only reads. Counters of 30 days, never people or requests: as quick with a million of them.
-- Returns: jsonb {people, day, week, month, days, models}
--   day, week (7 days) and month (30 days), today included, each
--     {active, new, requests, calls, errors (calls that failed), tokens_in, tokens_out, cost (text, US dollars,
--     as far as providers say; own keys left out)}
--   days: 30 of {day, active, new, requests, errors}, today last
--   models: [{provider, model, requests, calls, errors, cost}] of 30 days, the most used first, 5 at most
-- Errors: N0001 not an admin.
create or replace function public.admin_overview(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = ''
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_people bigint;
  v_overview jsonb;
begin
  perform private.require_admin(p_admin_email);
  select coalesce(sum(p.last_active), 0) into v_people
    from public.daily_people as p
   where p.day = '-infinity';

  with people as (
    select p.day, sum(p.active) as active, sum(p.last_active) as last_active
      from public.daily_people as p
     where p.day between v_today - 29 and v_today
     group by p.day
  ), figures as materialized (
    select
      t.day, t.provider, t.model,
      sum(t.new_people) as new_people, sum(t.requests) as requests, sum(t.calls) as calls,
      sum(t.errors) as errors, sum(t.tokens_in) as tokens_in, sum(t.tokens_out) as tokens_out,
      coalesce(sum(t.cost) filter (where not t.is_own_key), 0) as cost
      from public.daily_totals as t
     where t.day between v_today - 29 and v_today
     group by t.day, t.provider, t.model
  ), totals as (
    select
      f.day,
      sum(f.new_people) as new_people, sum(f.requests) as requests, sum(f.calls) as calls,
      sum(f.errors) as errors, sum(f.tokens_in) as tokens_in, sum(f.tokens_out) as tokens_out,
      sum(f.cost) as cost
      from figures as f
     group by f.day
  ), days as (
    select
      v_today - g.ago as day, g.ago,
      coalesce(p.active, 0) as active, coalesce(p.last_active, 0) as last_active,
      coalesce(t.new_people, 0) as new_people, coalesce(t.requests, 0) as requests,
      coalesce(t.calls, 0) as calls, coalesce(t.errors, 0) as errors,
      coalesce(t.tokens_in, 0) as tokens_in, coalesce(t.tokens_out, 0) as tokens_out,
      coalesce(t.cost, 0) as cost
      from generate_series(0, 29) as g (ago)
      left join people as p on p.day = v_today - g.ago
      left join totals as t on t.day = v_today - g.ago
  ), periods as (
    select
      w.name,
      jsonb_build_object(
        'active', sum(d.last_active), 'new', sum(d.new_people), 'requests', sum(d.requests),
        'calls', sum(d.calls), 'errors', sum(d.errors), 'tokens_in', sum(d.tokens_in),
        'tokens_out', sum(d.tokens_out), 'cost', round(sum(d.cost), 2)::text
      ) as sums
      from (values ('day', 1), ('week', 7), ('month', 30)) as w (name, length)
      join days as d on d.ago < w.length
     group by w.name
  ), models as (
    select
      f.provider, f.model,
      sum(f.requests) as requests, sum(f.calls) as calls, sum(f.errors) as errors, sum(f.cost) as cost
      from figures as f
     where f.model <> ''
     group by f.provider, f.model
     order by sum(f.requests) desc, sum(f.calls) desc, f.provider, f.model
     limit 5
  )
  select
    (select jsonb_object_agg(p.name, p.sums) from periods as p)
    || jsonb_build_object(
      'people', v_people,
      'days', (
        select jsonb_agg(
            jsonb_build_object(
              'day', d.day, 'active', d.active, 'new', d.new_people, 'requests', d.requests,
              'errors', d.errors
            )
            order by d.day
          )
          from days as d
      ),
      'models', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'provider', m.provider, 'model', m.model, 'requests', m.requests, 'calls', m.calls,
                'errors', m.errors, 'cost', round(m.cost, 2)::text
              )
              order by m.requests desc, m.calls desc, m.provider, m.model
            ),
            '[]'::jsonb
          )
          from models as m
      )
    )
    into v_overview;
  return v_overview;
end
$$;

revoke all on function public.admin_overview from public, anon, authenticated;
grant execute on function public.admin_overview to bot_backend, service_role;
comment on function public.admin_overview is 'How the bots do, for an admin';

-- Whoever is there already stands in the row of their last active day, once.
update public.users as u
   set active_on = (u.last_activity at time zone private.setting('quota_timezone'))::date;
insert into public.daily_people (day, shard, active, last_active)
select u.active_on, u.id & 15, count(*), count(*) from public.users as u group by 1, 2
union all
select '-infinity', u.id & 15, 0, count(*) from public.users as u group by 2;
alter table public.users alter column active_on set default ((private.clock() AT TIME ZONE 'UTC'::text))::date;
-- The table is locked since its column was added, and every row has just been given its value.
-- squawk-ignore adding-not-nullable-field
alter table public.users alter column active_on set not null;

CREATE TRIGGER users_count_active_people AFTER INSERT OR DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION private.count_active_people();

CREATE TRIGGER users_move_active_people AFTER UPDATE OF active_on ON public.users FOR EACH ROW WHEN ((old.active_on <> new.active_on)) EXECUTE FUNCTION private.count_active_people();

comment on column public.users.active_on is 'The day of last_activity in the time zone of the setting quota_timezone; see daily_people';
