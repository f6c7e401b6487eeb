-- Monthly budgets.

alter table public.monthly_api_usage add column sold_cost numeric(16,8) default 0 not null;

-- Returns whether the states and the reserved cost of an update are possible values: the CHECK of telegram_updates.
-- Postgres parses the text of a constraint anew in each statement that writes a row, but a function once per connection.
-- A change needs a migration that also adds the constraint again, because Postgres does not check old rows otherwise.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean, null (which a CHECK accepts) where a value is null and none is wrong.
-- Errors: none.
create or replace function private.is_valid_update(
  p_status text, p_reservation text, p_reserved_from text, p_reserved_cost numeric
)
returns boolean
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_status in ('working', 'failed', 'finished', 'dead_lettered')
    and p_reservation in (
      'reserved', 'user_api_key', 'settled', 'released', 'refused', 'in_progress', 'user_cost', 'bot_cost',
      'user_month', 'bot_month'
    )
    and p_reserved_from in ('plan', 'bonus')
    and p_reserved_cost >= 0;
end
$$;

revoke all on function private.is_valid_update from public, anon, authenticated, service_role;
comment on function private.is_valid_update is 'Whether the states and the reserved cost of an update are possible';

-- Deduplicates alarms about monthly budgets: one for each bot, budget, month and share of it.

create table private.budget_alerts (
  bot text not null,
  kind text not null check (kind in ('user_month', 'bot_month')),
  month date not null,
  percent integer not null check (percent between 1 and 100),
  primary key (bot, kind, month, percent)
);

comment on table private.budget_alerts is 'Which shares of monthly budgets the admins were alerted about';
alter table private.budget_alerts enable row level security;
revoke all on table private.budget_alerts from public, anon, authenticated, service_role;

-- What each bot spent on AI calls in a month, up to a day: a counter of the days of daily_totals that are over, so that the
-- monthly budget sums two days and not a month. private.bot_month_cost moves it on.

create table private.bot_month_costs (
  bot text not null,
  month date not null,
  through date not null,
  cost numeric(18, 8) not null,
  primary key (bot, month)
);

comment on table private.bot_month_costs is 'What each bot spent on AI calls in a month, up to a day';
comment on column private.bot_month_costs.through is 'Last day that is included, in the time zone of the setting quota_timezone';
comment on column private.bot_month_costs.cost is 'US dollars, without calls on user API keys and what users paid for from their balance';
alter table private.bot_month_costs enable row level security;
revoke all on table private.bot_month_costs from public, anon, authenticated, service_role;

-- Returns which daily cost limit or monthly budget a job of p_cost US dollars would exceed, for jobs that are paid for with requests: the
-- owner pays for those. What other questions and jobs in progress may cost is added to what was spent.
--
-- Concurrency: the caller has locked the user. Jobs of one bot are serialized until the transaction ends.
-- Locks: an advisory lock of the bot, the one of private.is_within_bot_cost_limit; then as private.month_limit.
-- Returns: text, 'user_cost' | 'bot_cost' | 'user_month' | 'bot_month'; null: within all.
-- Errors: none.
create or replace function private.generation_cost_limit(p_user_id bigint, p_bot text, p_cost numeric)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_day date := (v_now at time zone private.setting('quota_timezone'))::date;
  v_user_limit numeric := private.setting('daily_cost_user')::numeric;
  v_bot_limit numeric := private.setting('daily_cost_bot')::numeric;
  v_open numeric;
begin
  select coalesce(sum(o.cost), 0) into v_open
    from (
      select t.reserved_cost as cost
        from public.telegram_updates as t
       where t.user_id = p_user_id and t.status = 'working' and t.lease_until > v_now
      union all
      select g.max_cost
        from public.generations as g
       where g.user_id = p_user_id and g.state in ('reserved', 'submitting', 'submitted', 'copied') and not g.is_sold
    ) as o;
  if v_user_limit > 0 and private.user_cost(p_user_id, v_day) + v_open + p_cost > v_user_limit then
    return 'user_cost';
  elsif not v_bot_limit > 0 then
    return private.month_limit(
      p_user_id, p_bot, v_day, null, p_cost, private.monthly_budget(), private.monthly_budget(p_bot)
    );
  end if;
  perform pg_advisory_xact_lock(hashtextextended('cost of ' || p_bot, 0));
  select coalesce(sum(o.cost), 0) into v_open
    from (
      select t.reserved_cost as cost
        from public.telegram_updates as t
       where t.lease_until > v_now and t.status in ('working', 'failed') and t.bot = p_bot
      union all
      select g.max_cost
        from public.generations as g
       where g.bot = p_bot and g.state in ('reserved', 'submitting', 'submitted', 'copied') and not g.is_sold
    ) as o;
  if private.bot_cost(p_bot, v_day) + v_open + p_cost > v_bot_limit then
    return 'bot_cost';
  end if;
  return private.month_limit(
    p_user_id, p_bot, v_day, null, p_cost, private.monthly_budget(), private.monthly_budget(p_bot)
  );
end
$$;

revoke all on function private.generation_cost_limit from public, anon, authenticated, service_role;
comment on function private.generation_cost_limit is 'Which cost limit or budget a job would exceed';

-- Records the call to the provider of a job (private.record_usage). The cost of a job that was paid for from the balance is
-- left out of the daily cost limits and the monthly budgets.
--
-- Concurrency: the caller has locked the job, and records once, when it changes its state.
-- Locks: as private.record_usage.
-- Returns: void
-- Errors: none.
create or replace function private.record_generation_usage(
  p_job public.generations, p_status text, p_cost numeric, p_usage jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_day date := (v_now at time zone private.setting('quota_timezone'))::date;
  v_update public.telegram_updates;
begin
  v_update.user_id := p_job.user_id;
  v_update.bot := p_job.bot;
  v_update.update_id := p_job.id;
  perform private.record_usage(
    v_update,
    jsonb_build_array(
      coalesce(p_usage, '{}') || jsonb_build_object(
        'provider', p_job.provider, 'model', p_job.model, 'kind', p_job.kind, 'status', p_status, 'cost', p_cost,
        'ms', (extract(epoch from v_now - coalesce(p_job.submitted_at, v_now)) * 1000)::bigint
      )
    ),
    p_status = 'ok'
  );
  if p_job.is_sold and p_cost > 0 then
    update public.monthly_api_usage as m
       set day_cost = greatest(m.day_cost - p_cost, 0), sold_cost = m.sold_cost + p_cost
     where m.user_id = p_job.user_id and m.month = date_trunc('month', v_day::timestamp)::date
       and m.provider = p_job.provider and m.model = p_job.model and not m.is_user_api_key;
    update public.daily_totals as t
       set sold_cost = t.sold_cost + p_cost
     where t.day = v_day and t.bot = p_job.bot and t.provider = p_job.provider and t.model = p_job.model
       and not t.is_user_api_key and t.shard = p_job.id & 15;
  end if;
end
$$;

revoke all on function private.record_generation_usage from public, anon, authenticated, service_role;
comment on function private.record_generation_usage is 'Records the call to the provider of a job';

-- Reserves a job and takes its price, which is the most that it can cost its user.
--
-- p_request: prompt, references and options, as the provider gets them. p_requests or p_amount: the price in requests, or in
-- the currency of the balance; the user was shown it. p_max_cost: the US dollars that stand behind the price; when the
-- provider charges less, the price shrinks in proportion. Null: it does not. p_update_id: the update that asks.
--
-- Concurrency: the user's row is locked, and the reference is unique. Of parallel calls one gets each free slot (setting
--   generations_in_progress), and the others get the job in progress. A repeated reference gets its job and takes nothing.
-- Locks: user (NO KEY UPDATE), then as private.generation_cost_limit and private.take_generation_price.
-- Returns: jsonb
--   outcome: 'reserved' | 'known' | 'unfinished' | 'refused' | 'no_balance' | 'in_progress' | 'user_cost' | 'bot_cost'
--     | 'user_month' | 'bot_month' | 'too_many_refusals'     (refused: no requests left; in_progress: questions to the AI)
--   generation?: private.generation_state   (reserved, known; unfinished: the oldest job of this kind in progress)
-- Errors: R0001 no such user; R0002 the kind, price, request or reference is invalid.
create or replace function public.reserve_generation(
  p_user_id bigint, p_bot text, p_update_id bigint, p_chat_id bigint, p_thread_id bigint, p_kind text, p_provider text,
  p_model text, p_request jsonb, p_reference text, p_requests integer default 0, p_amount numeric default 0,
  p_max_cost numeric default null, p_reply_to bigint default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz;
  v_user public.users;
  v_job public.generations;
  v_slot integer;
  v_outcome text;
begin
  if coalesce(p_kind, '') not in ('image', 'video') or coalesce(p_reference, '') not like '_%:_%'
    or coalesce(jsonb_typeof(p_request), '') <> 'object'
    or coalesce(p_requests, -1) not between 0 and 1000 or coalesce(p_amount, -1) not between 0 and 1000000
    or p_amount <> round(p_amount, 2) or (p_requests > 0 and p_amount > 0) or p_max_cost < 0
  then
    raise exception 'the kind, price, request or reference of a job is invalid' using errcode = 'R0002';
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'R0001';
  end if;
  v_now := private.clock();  -- waiting for the lock takes time
  select g.* into v_job from public.generations as g where g.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'known', 'generation', private.generation_state(v_job));
  end if;
  select s.slot into v_slot
    from generate_series(1, private.setting('generations_in_progress')::integer) as s (slot)
   where not exists (
     select from public.generations as g
      where g.user_id = p_user_id and g.kind = p_kind and g.slot = s.slot
        and g.state in ('reserved', 'submitting', 'submitted', 'copied')
   )
   order by s.slot
   limit 1;
  if v_slot is null then
    select g.* into v_job
      from public.generations as g
     where g.user_id = p_user_id and g.kind = p_kind and g.state in ('reserved', 'submitting', 'submitted', 'copied')
     order by g.id
     limit 1;
    return jsonb_strip_nulls(
      jsonb_build_object('outcome', 'unfinished', 'generation', case when v_job.id > 0 then private.generation_state(v_job) end)
    );
  elsif (
    select count(*) from public.generations as g
     where g.user_id = p_user_id and g.state = 'refused' and g.ended_at > v_now - interval '24 hours'
  ) >= private.setting('daily_generation_refusals')::integer then
    return jsonb_build_object('outcome', 'too_many_refusals');
  elsif p_amount = 0 then
    v_outcome := private.generation_cost_limit(p_user_id, p_bot, coalesce(p_max_cost, 0));
    if v_outcome in ('user_cost', 'bot_cost') then
      perform private.alert_cost_limit(
        p_bot, (v_now at time zone private.setting('quota_timezone'))::date, v_outcome, p_user_id
      );
    end if;
    if v_outcome is not null then
      return jsonb_build_object('outcome', v_outcome);
    end if;
  end if;

  begin
    insert into public.generations as g (
      user_id, bot, chat_id, thread_id, reply_to, kind, slot, provider, model, request, reference, day, max_cost, is_sold,
      due_at, deadline, created_at
    )
    values (
      p_user_id, p_bot, p_chat_id, p_thread_id, p_reply_to, p_kind, v_slot, p_provider, p_model, p_request, p_reference,
      (v_now at time zone private.setting('quota_timezone'))::date, p_max_cost, p_amount > 0, v_now,
      v_now + make_interval(mins => private.setting('generation_' || p_kind || '_minutes')::integer), v_now
    )
    returning g.* into v_job;
  exception when unique_violation then
    -- A concurrent call used the reference for another user.
    raise exception 'the reference belongs to another user' using errcode = 'R0002';
  end;
  v_outcome := private.take_generation_price(v_job, v_user, p_update_id, p_requests, p_amount);
  if v_outcome <> 'taken' then
    delete from public.generations as g where g.id = v_job.id;
    return jsonb_build_object('outcome', v_outcome);
  end if;
  return jsonb_build_object('outcome', 'reserved', 'generation', private.generation_state(v_job));
end
$$;

revoke all on function public.reserve_generation from public, anon, authenticated, service_role;
grant execute on function public.reserve_generation to bot_backend;
comment on function public.reserve_generation is 'Reserves a job and takes its price';

-- Returns whether an update may spend p_cost (US dollars) on AI calls within the daily cost limits and the monthly
-- budgets of the user and the bot, beside any request of the plan; if so, notes it on the update, so that questions at the same time see it.
--
-- Concurrency: the caller holds the update row.
-- Locks: as private.is_within_bot_cost_limit and private.month_limit.
-- Returns: boolean
-- Errors: none.
create or replace function private.may_spend(p_update public.telegram_updates, p_cost numeric)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_user_limit numeric := private.setting('daily_cost_user')::numeric;
  v_bot_limit numeric := private.setting('daily_cost_bot')::numeric;
  v_open numeric;
begin
  select coalesce(sum(t.reserved_cost), 0) into v_open
    from public.telegram_updates as t
   where t.user_id = p_update.user_id
     and t.status = 'working'
     and t.lease_until > (select private.clock())
     and (t.bot, t.update_id) <> (p_update.bot, p_update.update_id);
  if v_user_limit > 0 and private.user_cost(p_update.user_id, v_day) + v_open + p_cost > v_user_limit then
    perform private.alert_cost_limit(p_update.bot, v_day, 'user_cost', p_update.user_id);
    return false;
  elsif v_bot_limit > 0
    and not private.is_within_bot_cost_limit(p_update.bot, v_day, p_update.update_id, p_cost, v_bot_limit)
  then
    perform private.alert_cost_limit(p_update.bot, v_day, 'bot_cost', p_update.user_id);
    return false;
  end if;
  if private.month_limit(
    p_update.user_id, p_update.bot, v_day, p_update.update_id, p_cost, private.monthly_budget(),
    private.monthly_budget(p_update.bot)
  ) is not null then
    return false;
  end if;
  update public.telegram_updates as t
     set reserved_cost = p_cost
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  return true;
end
$$;

revoke all on function private.may_spend from public, anon, authenticated, service_role;
comment on function private.may_spend is 'Returns whether an update may spend money on AI calls';

-- Alerts the admins, once a month for each bot and budget, that 80 % of it is spent, and once that it is used up. p_kind:
-- user_month (the first user of the month) or bot_month. p_expected: the dollars spent and reserved, with those asked for.
--
-- Concurrency: of two calls at once the second finds the first one's row and sends no alert.
-- Locks: a row of budget_alerts, only for the first alert.
-- Returns: void
-- Errors: none.
create or replace function private.alert_budget(
  p_bot text, p_kind text, p_day date, p_expected numeric, p_limit numeric, p_user_id bigint
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_month date := date_trunc('month', p_day::timestamp)::date;
  v_percent integer := case when p_expected > p_limit then 100 else 80 end;
begin
  -- Read first, because a conflict would write a row version for every stopped message.
  if p_expected < p_limit * 0.8 or exists (
    select from private.budget_alerts as a
     where a.bot = p_bot and a.kind = p_kind and a.month = v_month and a.percent >= v_percent
  ) then
    return;
  end if;
  insert into private.budget_alerts (bot, kind, month, percent) values (p_bot, p_kind, v_month, v_percent)
  on conflict (bot, kind, month, percent) do nothing;
  if found then
    perform private.notify_admins(
      case
        when p_kind = 'user_month' and v_percent = 80 then 'admin_alert_user_month_80'
        when p_kind = 'user_month' then 'admin_alert_user_month_100'
        when v_percent = 80 then 'admin_alert_bot_month_80'
        else 'admin_alert_bot_month_100'
      end,
      jsonb_build_object(
        'bot', p_bot,
        'limit', p_limit::text,
        'user', (select u.telegram_id from public.users as u where u.id = p_user_id)
      ),
      p_bot => p_bot
    );
  end if;
end
$$;

revoke all on function private.alert_budget from public, anon, authenticated, service_role;
comment on function private.alert_budget is 'Alerts the admins once that a monthly budget is nearly or fully spent';

-- Returns what a bot spent on AI calls in the month of a day, in US dollars, without the calls on user API keys and without what
-- users paid for from their balance. p_day is today in the time zone of the quota.
--
-- Concurrency: the counter of past days ends two days ago, because a transaction that began yesterday may still add to that
--   day. Calls at once compute the same counter.
-- Locks: once a day the bot's row of bot_month_costs.
-- Returns: numeric
-- Errors: none.
create or replace function private.bot_month_cost(p_bot text, p_day date)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_month date := date_trunc('month', p_day::timestamp)::date;
  v_through date := greatest(p_day - 2, v_month - 1);
  v_known record;
begin
  select c.through, c.cost into v_known from private.bot_month_costs as c where c.bot = p_bot and c.month = v_month;
  if not found or v_known.through < v_through then
    insert into private.bot_month_costs as c (bot, month, through, cost)
    select p_bot, v_month, v_through, coalesce(sum(t.cost - t.sold_cost), 0)
      from public.daily_totals as t
     where t.day between v_month and v_through and t.bot = p_bot and not t.is_user_api_key
    on conflict (bot, month) do update
      set through = greatest(c.through, excluded.through),
          cost = case when c.through < excluded.through then excluded.cost else c.cost end
    returning c.through, c.cost into v_known;
  end if;
  return v_known.cost + (
    select coalesce(sum(t.cost - t.sold_cost), 0)
      from public.daily_totals as t
     where t.day > v_known.through and t.day <= p_day and t.bot = p_bot and not t.is_user_api_key
  );
end
$$;

revoke all on function private.bot_month_cost from public, anon, authenticated, service_role;
comment on function private.bot_month_cost is 'Returns what a bot spent on AI calls in a month';

-- Returns which monthly budget p_cost more US dollars would exceed, and alerts the admins about budgets that are nearly or fully
-- spent. What other questions and jobs in progress may cost is added to what was spent.
--
-- p_day: today in the time zone of the quota. p_update_id: the question's update, whose own reserved cost is left out; null: a
-- job. p_user_limit, p_bot_limit: private.monthly_budget.
--
-- Concurrency: reservations of one user are serialized until the transaction ends. Those of one bot too, near its budget and for
--   jobs; far from it questions only share the lock. 200 questions are more than can be in progress, because Telegram
--   opens at most 100 connections to a bot.
-- Locks: advisory locks of the user and then of the bot, for budgets that are set.
-- Returns: text, 'user_month' | 'bot_month'; null: within both.
-- Errors: 40001, the bot came near its budget while this call waited; a repeated call takes the other lock.
create or replace function private.month_limit(
  p_user_id bigint, p_bot text, p_day date, p_update_id bigint, p_cost numeric, p_user_limit numeric, p_bot_limit numeric
)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_lock bigint := hashtextextended('month of ' || p_bot, 0);
  v_is_far boolean;
  v_expected numeric;
begin
  if p_user_limit > 0 then
    perform pg_advisory_xact_lock(hashtextextended('month of user ' || p_user_id, 0));
    v_expected := p_cost + (
      select coalesce(sum(m.cost - m.sold_cost), 0)
        from public.monthly_api_usage as m
       where m.user_id = p_user_id and m.month = date_trunc('month', p_day::timestamp)::date and not m.is_user_api_key
    ) + (
      select coalesce(sum(t.reserved_cost), 0)
        from public.telegram_updates as t
       where t.user_id = p_user_id and t.status = (select 'working') and t.lease_until > (select private.clock())
         and (t.bot, t.update_id) is distinct from (p_bot, p_update_id)
    ) + (
      select coalesce(sum(g.max_cost), 0)
        from public.generations as g
       where g.user_id = p_user_id and g.state in ('reserved', 'submitting', 'submitted', 'copied') and not g.is_sold
    );
    perform private.alert_budget(p_bot, 'user_month', p_day, v_expected, p_user_limit, p_user_id);
    if v_expected > p_user_limit then
      return 'user_month';
    end if;
  end if;

  if p_bot_limit > 0 then
    v_is_far := p_update_id is not null
      and private.bot_month_cost(p_bot, p_day) + private.open_jobs_cost(p_bot) + 400 * p_cost <= p_bot_limit;
    if v_is_far then
      perform pg_advisory_xact_lock_shared(v_lock);
    else
      perform pg_advisory_xact_lock(v_lock);
    end if;
    v_expected := private.bot_month_cost(p_bot, p_day) + private.open_jobs_cost(p_bot) + p_cost;
    if v_is_far and v_expected + 199 * p_cost > p_bot_limit then
      raise exception 'the bot came near its budget' using errcode = '40001';
    elsif not v_is_far then
      v_expected := v_expected + (
        select coalesce(sum(t.reserved_cost), 0)
          from public.telegram_updates as t
         where t.lease_until > (select private.clock()) and t.status in ('working', 'failed') and t.bot = p_bot
           and t.update_id is distinct from p_update_id
      );
    end if;
    perform private.alert_budget(p_bot, 'bot_month', p_day, v_expected, p_bot_limit, p_user_id);
    if v_expected > p_bot_limit then
      return 'bot_month';
    end if;
  end if;
  return null;
end
$$;

revoke all on function private.month_limit from public, anon, authenticated, service_role;
comment on function private.month_limit is 'Returns which monthly budget a call would exceed';

-- Returns the monthly budget of each user or of a bot in US dollars: the setting monthly_cost_user; for a bot monthly_cost_bot, or
-- monthly_cost_bot:<bot> where there is one.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric; null or 0: no limit.
-- Errors: none.
create or replace function private.monthly_budget(p_bot text default null)
returns numeric
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_bot is null then
    return private.setting('monthly_cost_user')::numeric;
  end if;
  return coalesce(private.setting('monthly_cost_bot:' || p_bot), private.setting('monthly_cost_bot'))::numeric;
end
$$;

revoke all on function private.monthly_budget from public, anon, authenticated, service_role;
comment on function private.monthly_budget is 'Returns the monthly budget of each user or of a bot';

-- Returns what the pictures and videos that a bot has in progress may cost the owner, in US dollars.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric
-- Errors: none.
create or replace function private.open_jobs_cost(p_bot text)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(sum(g.max_cost), 0)
      from public.generations as g
     where g.bot = p_bot and g.state in ('reserved', 'submitting', 'submitted', 'copied') and not g.is_sold
  );
end
$$;

revoke all on function private.open_jobs_cost from public, anon, authenticated, service_role;
comment on function private.open_jobs_cost is 'Returns what the jobs of a bot in progress may cost';

-- Decides whether a user's question may go to the AI, and reserves a request for it: from the plan while its day and
-- its month both have one left, then from bonus credits. Checks in this order: requests left, daily cost of the user,
-- daily cost of the bot, questions in progress, monthly budgets. On a user API key only the last one applies.
--
-- p_timezone: the setting quota_timezone. p_cost: the most that the question may cost in US dollars. The reserved cost
-- of other questions in progress is added to what was spent, so the cost limits also hold for questions that arrive
-- together.
--
-- Concurrency: the user's row is locked, so two questions never pass a check together. The caller holds the update
--   row and calls only while that has no reservation.
-- Locks: user (NO KEY UPDATE), near the bot's cost limit an advisory lock of the bot, those of private.month_limit, then daily_usage and
--   monthly_usage.
-- Returns: record
--   reservation
--     reserved     with the day it counts for (and so the month) and its source (plan | bonus)
--     user_api_key      nothing is taken
--     refused      no requests left
--     user_cost, bot_cost   the daily cost limit is reached
--     user_month, bot_month   the monthly budget is spent
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
  v_user_month numeric;
  v_bot_month numeric;
  v_limits record;
begin
  select u.vip_level, u.bonus_credits into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'the user was erased at this moment' using errcode = '40001';
  end if;
  v_now := private.clock();  -- waiting for the lock takes time
  select jsonb_object_agg(s.key, s.value) into v_settings
    from private.settings as s
   where s.key in (
     'questions_in_progress', 'daily_releases', 'daily_cost_user', 'daily_cost_bot', 'monthly_cost_user', 'monthly_cost_bot',
     'monthly_cost_bot:' || p_bot
   );
  v_questions := (v_settings ->> 'questions_in_progress')::integer;
  v_user_cost := (v_settings ->> 'daily_cost_user')::numeric;
  v_bot_cost := (v_settings ->> 'daily_cost_bot')::numeric;
  v_user_month := (v_settings ->> 'monthly_cost_user')::numeric;
  v_bot_month := coalesce(v_settings ->> ('monthly_cost_bot:' || p_bot), v_settings ->> 'monthly_cost_bot')::numeric;
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
  if reservation = 'reserved' and (v_user_month > 0 or v_bot_month > 0) then
    reservation := coalesce(
      private.month_limit(p_user_id, p_bot, v_quota.day, p_update_id, p_cost, v_user_month, v_bot_month), reservation
    );
  end if;
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

comment on column public.monthly_api_usage.sold_cost is 'Part of cost that the user paid for from the balance; the monthly budget leaves it out';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "monthly_cost_bot", "about": "Monthly budget of the AI cost of each bot, in US dollars; a row monthly_cost_bot:<bot> sets that of one bot; 0: no limit", "value": 0}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "monthly_cost_user", "about": "Monthly budget of the AI cost of one user over all bots, in US dollars; 0: no limit", "value": 0}') on conflict do nothing;
