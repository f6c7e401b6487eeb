-- Analytics counters.
--
-- The new columns are empty, and the indexes are of tables that a deployment fills slowly; BRIN reads api_usage once, in seconds.
-- squawk-ignore-file constraint-missing-not-valid, require-concurrent-index-creation

alter table public.subscriptions add column currency text;

alter table public.subscriptions add column monthly_amount numeric(12,2);

-- Trigger of users: keeps daily_active_users equal to users.active_on. Inserted and deleted users are counted per statement, a
-- user who moves to a new day per row, and also for their cohort (cohort_activity).
--
-- Concurrency: every change of a row adds and subtracts one, so concurrent changes add up. Users that were never counted (rows
--   copied in without triggers) are not subtracted below zero.
-- Locks: daily_active_users, by day, earlier first, so that concurrent calls cannot deadlock, then cohort_activity.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.count_active_users()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted record;
begin
  if tg_op = 'INSERT' then
    insert into public.daily_active_users as d (day, shard, active, last_active)
    select n.active_on, n.id & 15, count(*), count(*) from new_users as n group by 1, 2
    union all
    select '-infinity'::date, n.id & 15, 0, count(*) from new_users as n group by 2
    order by 1, 2
    on conflict (day, shard) do update
      set active = d.active + excluded.active, last_active = d.last_active + excluded.last_active;
  elsif tg_op = 'DELETE' then
    for v_deleted in
      select o.active_on as day, o.id & 15 as shard, count(*) as users from old_users as o group by 1, 2
      union all
      select '-infinity'::date, o.id & 15, count(*) from old_users as o group by 2
      order by 1, 2
    loop
      update public.daily_active_users as d
         set last_active = greatest(d.last_active - v_deleted.users, 0)
       where d.day = v_deleted.day and d.shard = v_deleted.shard;
    end loop;
  else
    update public.daily_active_users as d
       set last_active = d.last_active - 1
     where d.day = old.active_on and d.shard = old.id & 15 and d.last_active > 0;
    insert into public.daily_active_users as d (day, shard, active, last_active)
    values (new.active_on, new.id & 15, 1, 1)
    on conflict (day, shard) do update set active = d.active + 1, last_active = d.last_active + 1;
    insert into public.cohort_activity as c (cohort_day, day_n, shard, users)
    select m.started_on, new.active_on - m.started_on, new.id & 15, 1
      from public.user_milestones as m
     where m.user_id = new.id and new.active_on - m.started_on between 1 and 30
    on conflict (cohort_day, day_n, shard) do update set users = c.users + 1;
  end if;
  return null;
end
$$;

revoke all on function private.count_active_users from public, anon, authenticated, service_role;
comment on function private.count_active_users is 'Keeps daily_active_users equal to users.active_on';

-- Trigger of subscribers: an erased user is a lost subscriber.
--
-- Concurrency: runs once, with the deletion.
-- Locks: none.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.count_lost_subscriber()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into public.subscription_events (day, kind, plan, currency, amount, subscribers)
  values (
    (private.clock() at time zone private.setting('quota_timezone'))::date, 'churned', old.plan, old.currency,
    -old.monthly_amount, -1
  );
  return null;
end
$$;

revoke all on function private.count_lost_subscriber from public, anon, authenticated, service_role;
comment on function private.count_lost_subscriber is 'Counts an erased user as a lost subscriber';

-- Trigger of payment_operations: the revenue of the operation's day has changed (private.revenue_changes).
--
-- Concurrency: only adds a row.
-- Locks: none.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.mark_revenue_of_operation()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into private.revenue_changes (day)
  values ((new.happened_at at time zone private.setting('quota_timezone'))::date);
  if new.kind = 'refund' then
    -- It counts less of the totals that came before it (private.refunded_before).
    insert into private.revenue_changes (day)
    select distinct (o.happened_at at time zone private.setting('quota_timezone'))::date
      from public.payment_operations as o
     where o.payment_id = new.payment_id and o.kind = 'refund_total';
  end if;
  return null;
end
$$;

revoke all on function private.mark_revenue_of_operation from public, anon, authenticated, service_role;
comment on function private.mark_revenue_of_operation is 'Marks the day of an operation as changed';

-- Trigger of payments: the revenue of the days of its operations has changed (private.revenue_changes), because what it was for, who
-- paid it or whether it counts is another now.
--
-- Concurrency: only adds rows.
-- Locks: none.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.mark_revenue_of_payment()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into private.revenue_changes (day)
  select distinct (o.happened_at at time zone private.setting('quota_timezone'))::date
    from public.payment_operations as o
   where o.payment_id = new.id;
  return null;
end
$$;

revoke all on function private.mark_revenue_of_payment from public, anon, authenticated, service_role;
comment on function private.mark_revenue_of_payment is 'Marks the days of a payment as changed';

-- Trigger of subscriptions that were bought: keeps subscribers equal to them (private.refresh_subscriber).
--
-- Concurrency: a function that changes a subscription has locked its user.
-- Locks: as private.refresh_subscriber.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.track_subscriber()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.refresh_subscriber(new.user_id);
  return null;
end
$$;

revoke all on function private.track_subscriber from public, anon, authenticated, service_role;
comment on function private.track_subscriber is 'Keeps subscribers equal to the subscriptions that were bought';

-- Finished days whose figures the job `analytics` has summed.

create table public.analytics_days (
  day date primary key,
  recorded_at timestamptz not null default private.clock(),
  active_day bigint,
  active_week bigint,
  active_month bigint,
  users bigint
);

comment on table public.analytics_days is 'Finished days whose figures are summed';
comment on column public.analytics_days.active_day is 'Users active on the day; null: a day before counting began, as in the next three';
comment on column public.analytics_days.active_week is 'Users active on the 7 days that end with it, as of the night after';
comment on column public.analytics_days.active_month is 'Users active on the 30 days that end with it, as of the night after';
comment on column public.analytics_days.users is 'All users at its end';
alter table public.analytics_days enable row level security;
revoke all on table public.analytics_days from public, anon, authenticated, service_role;

-- Figures of finished days that differed from a recount of the ledger (private.check_analytics). The admins were alerted once about
-- each.

create table public.analytics_drifts (
  day date not null,
  figure text not null,
  counted numeric not null,
  recounted numeric not null,
  found_at timestamptz not null default private.clock(),
  primary key (day, figure)
);

comment on table public.analytics_drifts is 'Figures of finished days that differed from a recount';
alter table public.analytics_drifts enable row level security;
revoke all on table public.analytics_drifts from public, anon, authenticated, service_role;

-- Who receives the daily report in the chat, and when. No row: no report.

create table public.analytics_reports (
  user_id bigint primary key references public.users (id) on delete cascade,
  hour smallint not null default 9 check (hour between 0 and 23),
  sent_on date
);

comment on table public.analytics_reports is 'Who receives the daily report in the chat';
comment on column public.analytics_reports.hour is 'Hour of the day in the time zone of the setting quota_timezone';
comment on column public.analytics_reports.sent_on is 'Day of the last report';
alter table public.analytics_reports enable row level security;
revoke all on table public.analytics_reports from public, anon, authenticated, service_role;

-- How many users of a cohort (those who started on a day) were active on day 1 to 30 after it. A trigger of users counts each user
-- once a day (private.count_active_users); daily_totals.new_users has the size of the cohorts.

create table public.cohort_activity (
  cohort_day date not null,
  day_n smallint not null check (day_n between 1 and 30),
  shard smallint not null check (shard between 0 and 15),
  users bigint not null default 0 check (users >= 0),
  primary key (cohort_day, day_n, shard)
);

comment on table public.cohort_activity is 'Users of a cohort by the day after their start on which they were active; a figure is the sum over the shards';
comment on column public.cohort_activity.cohort_day is 'Day on which the users started';
comment on column public.cohort_activity.day_n is 'Days after it';
comment on column public.cohort_activity.shard is 'Spreads concurrent writers of one figure over sixteen rows';
alter table public.cohort_activity enable row level security;
revoke all on table public.cohort_activity from public, anon, authenticated, service_role;

-- AI cost of finished days by plan and model, summed from api_usage by the job `analytics`, without calls on user API keys. The
-- plan is the one that a user had in the night after.

create table public.daily_ai_costs (
  day date not null,
  plan text not null,
  provider text not null,
  model text not null,
  calls integer not null,
  cost numeric(18, 8) not null,
  primary key (day, plan, provider, model)
);

comment on table public.daily_ai_costs is 'AI cost of finished days by plan and model';
comment on column public.daily_ai_costs.cost is 'US dollars; see api_usage.cost';
alter table public.daily_ai_costs enable row level security;
revoke all on table public.daily_ai_costs from public, anon, authenticated, service_role;

-- How many users of a cohort (those who started on a day) reached a step within 30 days of their start. Counters, so that no
-- report counts users; daily_totals.new_users has the size of the cohorts.

create table public.daily_funnel (
  cohort_day date not null,
  step text not null check (step in ('answered', 'limited', 'checkout', 'paid')),
  shard smallint not null check (shard between 0 and 15),
  users bigint not null default 0 check (users >= 0),
  primary key (cohort_day, step, shard)
);

comment on table public.daily_funnel is 'Users of a cohort who reached a step within 30 days; a figure is the sum over the shards';
comment on column public.daily_funnel.cohort_day is 'Day on which the users started';
comment on column public.daily_funnel.step is 'See user_milestones';
comment on column public.daily_funnel.shard is 'Spreads concurrent writers of one figure over sixteen rows';
alter table public.daily_funnel enable row level security;
revoke all on table public.daily_funnel from public, anon, authenticated, service_role;

-- Trainings and courses that users began and completed on finished days, counted by the job `analytics`.

create table public.daily_learning (
  day date not null,
  kind text not null check (kind in ('training', 'course')),
  key text not null,
  started integer not null,
  completed integer not null,
  primary key (day, kind, key)
);

comment on table public.daily_learning is 'Trainings and courses begun and completed on finished days';
comment on column public.daily_learning.key is 'Scenario of the trainings, or slug of the course';
alter table public.daily_learning enable row level security;
revoke all on table public.daily_learning from public, anon, authenticated, service_role;

-- Revenue of finished days, summed from payment_operations by the job `analytics` (private.ledger_revenue). Days that changed
-- since are marked in private.revenue_changes and summed again.

create table public.daily_revenue (
  day date not null,
  currency text not null,
  provider text not null,
  product_key text not null,
  bot text not null,
  source text not null,
  cohort_month date not null,
  gross numeric not null,
  refunds numeric not null,
  payments integer not null,
  refunded integer not null,
  primary key (day, currency, provider, product_key, bot, source, cohort_month)
);

comment on table public.daily_revenue is 'Revenue of finished days';
comment on column public.daily_revenue.day is 'Day of the operation in the time zone of the setting quota_timezone';
comment on column public.daily_revenue.product_key is 'Empty: a payment without an order, which is held';
comment on column public.daily_revenue.source is 'How the buyer came (private.user_source)';
comment on column public.daily_revenue.cohort_month is 'Month in which the buyer started; -infinity: unknown or erased';
comment on column public.daily_revenue.payments is 'Payments that were received';
comment on column public.daily_revenue.refunded is 'Payments that were returned, in part or wholly, disputes included';
alter table public.daily_revenue enable row level security;
revoke all on table public.daily_revenue from public, anon, authenticated, service_role;

-- Subscription figures of each finished day and currency, summed from subscription_events by the job `analytics`.

create table public.daily_subscriptions (
  day date not null,
  currency text not null,
  mrr numeric(14, 2) not null,
  subscribers integer not null,
  new numeric(14, 2) not null default 0,
  expansion numeric(14, 2) not null default 0,
  contraction numeric(14, 2) not null default 0,
  churned numeric(14, 2) not null default 0,
  reactivated numeric(14, 2) not null default 0,
  new_subscribers integer not null default 0,
  lost_subscribers integer not null default 0,
  primary key (day, currency)
);

comment on table public.daily_subscriptions is 'Subscription figures of each finished day and currency';
comment on column public.daily_subscriptions.mrr is 'Monthly recurring revenue at the end of the day';
comment on column public.daily_subscriptions.subscribers is 'Subscribers at the end of the day';
comment on column public.daily_subscriptions.contraction is 'Zero or negative, as churned';
comment on column public.daily_subscriptions.new_subscribers is 'New and returning ones';
comment on column public.daily_subscriptions.lost_subscribers is 'Those whose plan ended';
alter table public.daily_subscriptions enable row level security;
revoke all on table public.daily_subscriptions from public, anon, authenticated, service_role;

-- Days whose revenue changed since the job `analytics` summed it. Rows are only added, so that payments wait for no lock; the job
-- deletes those of the days it has summed.

create table private.revenue_changes (
  id bigint generated always as identity primary key,
  day date not null
);

create index revenue_changes_day_idx on private.revenue_changes (day);

comment on table private.revenue_changes is 'Days whose revenue changed since it was summed';
alter table private.revenue_changes enable row level security;
revoke all on table private.revenue_changes from public, anon, authenticated, service_role;
revoke all on sequence private.revenue_changes_id_seq from public, anon, authenticated, service_role;

-- What subscribers pay a month now: the highest plan that a user bought and that runs, grace period included. Derived from
-- subscriptions by private.refresh_subscriber, which writes a row of subscription_events for each change.

create table public.subscribers (
  user_id bigint primary key references public.users (id) on delete cascade,
  plan text not null,
  currency text not null,
  monthly_amount numeric(12, 2) not null check (monthly_amount >= 0),
  changed_at timestamptz not null default private.clock()
);

create trigger subscribers_count_loss
after delete on public.subscribers
for each row when (old.monthly_amount > 0)
execute function private.count_lost_subscriber();

comment on table public.subscribers is 'What subscribers pay a month now';
comment on column public.subscribers.plan is 'Plan of now, or the last one';
comment on column public.subscribers.monthly_amount is 'Price of a month, a twelfth of a year; 0: no plan that was bought runs';
alter table public.subscribers enable row level security;
revoke all on table public.subscribers from public, anon, authenticated, service_role;

-- Changes of what subscribers pay a month. The sum of the amounts up to a day is the monthly recurring revenue (MRR) of that day.

create table public.subscription_events (
  id bigint generated always as identity primary key,
  day date not null,
  -- Null: erased. The figures of the past stay.
  user_id bigint references public.users (id) on delete set null,
  kind text not null check (kind in ('opening', 'new', 'expansion', 'contraction', 'churned', 'reactivated')),
  plan text not null,
  currency text not null,
  amount numeric(12, 2) not null,
  subscribers smallint not null check (subscribers between -1 and 1),
  created_at timestamptz not null default private.clock()
);

create index subscription_events_day_idx on public.subscription_events (day);
create index subscription_events_user_idx on public.subscription_events (user_id);

comment on table public.subscription_events is 'Changes of what subscribers pay a month';
comment on column public.subscription_events.day is 'Day in the time zone of the setting quota_timezone';
comment on column public.subscription_events.kind is 'opening: ran already when counting began; reactivated: had a paid plan before. Another currency is a contraction of the old one and an expansion of the new one';
comment on column public.subscription_events.amount is 'Change of the monthly amount in this currency';
comment on column public.subscription_events.subscribers is 'Change of the number of subscribers in this currency';
alter table public.subscription_events enable row level security;
revoke all on table public.subscription_events from public, anon, authenticated, service_role;
revoke all on sequence public.subscription_events_id_seq from public, anon, authenticated, service_role;

-- When users reached each step from their start to the first payment. One row per user who started a bot.

create table public.user_milestones (
  user_id bigint primary key references public.users (id) on delete cascade,
  started_on date not null,
  answered_on date,
  limited_on date,
  checkout_on date,
  paid_on date
);

-- The nightly recount of a cohort.
create index user_milestones_started_idx on public.user_milestones (started_on);

comment on table public.user_milestones is 'When users reached each step from their start to the first payment';
comment on column public.user_milestones.started_on is 'Day of the first update; a day is one of the setting quota_timezone, here and in the other columns';
comment on column public.user_milestones.answered_on is 'Day of the first served AI request';
comment on column public.user_milestones.limited_on is 'Day on which a question was refused first because no request was left';
comment on column public.user_milestones.checkout_on is 'Day of the first order';
comment on column public.user_milestones.paid_on is 'Day of the first payment that was not made from the balance';
alter table public.user_milestones enable row level security;
revoke all on table public.user_milestones from public, anon, authenticated, service_role;

-- Returns revenue by currency, and how many new users became buyers, for today, 7 and 30 days.
--
-- Gross is all money received, refunds what was returned (disputes too), each on the day it happened at the provider;
-- both without the test payments of production and without purchases from the balance, whose money came with the
-- top-up. A new user counts as paying once any payment of theirs was received.
--
-- Concurrency: read-only, over an index: it reads the operations of 30 days, however many came before.
-- Locks: none.
-- Returns: jsonb
--   currencies: [ {
--     currency: text,
--     day: { gross: numeric, refunds: numeric, net: numeric },
--     week: public.admin_revenue.currencies.day,
--     month: public.admin_revenue.currencies.day
--   } ]
--   day: {
--     payments: int, refunds: int             (how many),
--     new: int                                (users who came),
--     paid: int                               (how many of them paid)
--   }
--   week: public.admin_revenue.day
--   month: public.admin_revenue.day
-- Errors: N0001 not an admin.
create or replace function public.admin_revenue(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_timezone text := private.setting('quota_timezone');
  v_today date := (private.clock() at time zone v_timezone)::date;
  v_result jsonb;
begin
  perform private.require_admin(p_admin_email);
  with periods as (
    select w.name, v_today - w.days + 1 as first_day, (v_today - w.days + 1)::timestamp at time zone v_timezone as starts_at
      from (values ('day', 1), ('week', 7), ('month', 30)) as w (name, days)
  ), moves as materialized (
    select r.*
      from private.revenue_moves((v_today - 29)::timestamp at time zone v_timezone, 'infinity') as r
  ), sums as (
    select m.currency, w.name, sum(m.paid) as gross, sum(m.back) as refunds
      from periods as w
      join moves as m on m.happened_at >= w.starts_at
     where m.paid + m.back > 0
       and m.currency is not null  -- a refund whose payment has not been reported yet
     group by m.currency, w.name
  ), currencies as (
    select c.currency,
      jsonb_object_agg(
        w.name,
        jsonb_build_object(
          'gross', coalesce(s.gross, 0)::text, 'refunds', coalesce(s.refunds, 0)::text,
          'net', (coalesce(s.gross, 0) - coalesce(s.refunds, 0))::text
        )
      ) as figures
      from (select distinct s.currency from sums as s) as c
      cross join periods as w
      left join sums as s on s.currency = c.currency and s.name = w.name
     group by c.currency
  ), counts as (
    select w.name,
      count(distinct m.payment_id) filter (where m.paid > 0) as payments,
      count(distinct m.payment_id) filter (where m.back > 0) as refunds,
      count(distinct u.id) filter (where m.paid > 0 and u.created_at >= w.starts_at) as paid
      from periods as w
      left join moves as m on m.happened_at >= w.starts_at
      left join public.users as u on u.id = m.user_id
     group by w.name
  ), new_users as (
    select w.name, coalesce(sum(t.new_users), 0) as new_users
      from periods as w
      left join public.daily_totals as t on t.day between w.first_day and v_today
     group by w.name
  )
  select jsonb_object_agg(
      c.name,
      jsonb_build_object('payments', c.payments, 'refunds', c.refunds, 'paid', c.paid, 'new', n.new_users)
    ) || jsonb_build_object(
      'currencies', (
        select coalesce(jsonb_agg(jsonb_build_object('currency', t.currency) || t.figures order by t.currency), '[]')
          from currencies as t
      )
    )
    into v_result
    from counts as c
    join new_users as n on n.name = c.name;
  return v_result;
end
$$;

revoke all on function public.admin_revenue from public, anon, authenticated, service_role;
grant execute on function public.admin_revenue to bot_backend, service_role;
comment on function public.admin_revenue is 'Returns revenue for an admin';

-- Returns how many users were active and new in a period, and how many are active now. Active: an update of the user on the day.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   step: 'day' | 'week' | 'month'
--   current: { users: int, day: int, week: int, month: int }   (all; active today, in 7 and in 30 days)
--   points: [ {
--     start: date, active: numeric, new: int      (active: per day on average)
--     month: int | null            (active in 30 days, at the end of the step; null: not known)
--   } ]
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_activity(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_step text := private.check_period(p_actor_id, p_from, p_until);
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_found jsonb;
begin
  select jsonb_build_object(
      'step', v_step,
      'current', (
        select jsonb_build_object(
            'users', coalesce(sum(d.last_active) filter (where d.day = '-infinity'), 0),
            'day', coalesce(sum(d.last_active) filter (where d.day = v_today), 0),
            'week', coalesce(sum(d.last_active) filter (where d.day between v_today - 6 and v_today), 0),
            'month', coalesce(sum(d.last_active) filter (where d.day between v_today - 29 and v_today), 0)
          )
          from public.daily_active_users as d
         where d.day = '-infinity' or d.day between v_today - 29 and v_today
      ),
      'points', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object('start', p.start, 'active', p.active::text, 'new', p.new, 'month', p.month) order by p.start
            ),
            '[]'::jsonb
          )
          from (
            select date_trunc(v_step, g.day)::date as start, round(avg(coalesce(a.active, 0)), 1) as active,
              coalesce(sum(n.new_users), 0) as new,
              (array_agg(s.active_month order by g.day desc) filter (where s.active_month is not null))[1] as month
              from generate_series(p_from::timestamp, least(p_until, v_today)::timestamp, interval '1 day') as g (day)
              left join lateral (
                select sum(d.active) as active from public.daily_active_users as d where d.day = g.day::date
              ) as a on true
              left join lateral (
                select sum(t.new_users) as new_users from public.daily_totals as t where t.day = g.day::date and t.bot = '' and t.provider = '' and t.model = ''
              ) as n on true
              left join public.analytics_days as s on s.day = g.day::date
             group by 1
          ) as p
      )
    )
    into v_found;
  return v_found;
end
$$;

revoke all on function public.analytics_activity from public, anon, authenticated, service_role;
grant execute on function public.analytics_activity to bot_backend;
comment on function public.analytics_activity is 'Returns how many users were active and new';

-- Returns what the AI cost in a period by model and by plan, and what the plans brought. Models: all calls until now, without those on
-- user API keys; sold is the part that users paid for from their balance. Plans: finished days alone; the plan is the one of the night after.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   models: [ {
--     provider: text, model: text, requests: int, calls: int, errors: int
--     cost: numeric, sold_cost: numeric       (US dollars)
--     sold: numeric                           (in balance_currency)
--   } ]                                       (the dearest first, 50 at most)
--   plans: [ { plan: text, calls: int, cost: numeric, revenue: [ { currency: text, net: numeric } ] } ]
--   balance_currency: text
--   rates: { [text]: float }                  (US dollars for one unit of a currency)
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_costs(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_found jsonb;
begin
  perform private.check_period(p_actor_id, p_from, p_until);
  with models as (
    select t.provider, t.model, sum(t.requests) as requests, sum(t.calls) as calls, sum(t.errors) as errors, sum(t.cost) as cost,
      sum(t.sold_cost) as sold_cost, sum(t.sold_amount) as sold
      from public.daily_totals as t
     where t.day between p_from and p_until and not t.is_user_api_key and t.model <> ''
     group by 1, 2
     order by sum(t.cost) desc, sum(t.calls) desc, 1, 2
     limit 50
  ), costs as (
    select c.plan, sum(c.calls) as calls, sum(c.cost) as cost
      from public.daily_ai_costs as c
     where c.day between p_from and p_until
     group by 1
  ), revenue as (
    select p.plan, r.currency, sum(r.gross - r.refunds) as net
      from private.revenue_rows(p_from, p_until) as r
      join public.products as p on p.key = r.product_key
     where p.plan is not null
     group by 1, 2
  )
  select jsonb_build_object(
      'models', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'provider', m.provider, 'model', m.model, 'requests', m.requests, 'calls', m.calls, 'errors', m.errors,
                'cost', trim_scale(round(m.cost, 6))::text, 'sold_cost', trim_scale(round(m.sold_cost, 6))::text,
                'sold', m.sold::text
              )
              order by m.cost desc, m.calls desc, m.provider, m.model
            ),
            '[]'::jsonb
          )
          from models as m
      ),
      'plans', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'plan', l.plan, 'calls', coalesce(c.calls, 0), 'cost', trim_scale(round(coalesce(c.cost, 0), 6))::text,
                'revenue', (
                  select coalesce(
                      jsonb_agg(jsonb_build_object('currency', r.currency, 'net', r.net::text) order by r.currency), '[]'::jsonb
                    )
                    from revenue as r
                   where r.plan = l.plan
                )
              )
              order by c.cost desc nulls last, l.plan
            ),
            '[]'::jsonb
          )
          from (select c.plan from costs as c union select r.plan from revenue as r) as l
          left join costs as c on c.plan = l.plan
      ),
      'balance_currency', private.setting('balance_currency'),
      'rates', private.setting('usd_rates')::jsonb
    )
    into v_found;
  return v_found;
end
$$;

revoke all on function public.analytics_costs from public, anon, authenticated, service_role;
grant execute on function public.analytics_costs to bot_backend;
comment on function public.analytics_costs is 'Returns what the AI cost by model and plan';

-- Returns how far the users got who started in a period: each step within 30 days of the start (user_milestones).
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   step: 'day' | 'week' | 'month'
--   points: [ { start: date, started: int, answered: int, limited: int, checkout: int, paid: int } ]
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

-- Returns how many trainings and courses users began and completed in a period, each on its own day; reviews of real conversations are no
-- trainings.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   rows: [ { kind: 'training' | 'course', key: text, texts: jsonb | null, started: int, completed: int } ]   (texts: of a course)
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_learning(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_found jsonb;
begin
  perform private.check_period(p_actor_id, p_from, p_until);
  select jsonb_build_object(
      'rows', coalesce(
        jsonb_agg(
          jsonb_build_object(
            'kind', r.kind, 'key', r.key, 'started', r.started, 'completed', r.completed,
            'texts', case when r.kind = 'course' then (select c.texts from public.courses as c where c.slug = r.key) end
          )
          order by r.kind desc, r.started desc, r.key
        ),
        '[]'::jsonb
      )
    )
    into v_found
    from (
      select l.kind, l.key, sum(l.started) as started, sum(l.completed) as completed
        from (
          select d.* from public.daily_learning as d where d.day between p_from and p_until
          union all
          select t.*
            from generate_series(greatest(p_from, v_today - 1)::timestamp, least(p_until, v_today)::timestamp, interval '1 day') as g (day)
            cross join lateral private.ledger_learning(g.day::date) as t
           where not exists (select from public.analytics_days as a where a.day = g.day::date)
        ) as l
       group by 1, 2
    ) as r;
  return v_found;
end
$$;

revoke all on function public.analytics_learning from public, anon, authenticated, service_role;
grant execute on function public.analytics_learning to bot_backend;
comment on function public.analytics_learning is 'Returns how many trainings and courses were begun and completed';

-- Returns the users who referred the most others in a period, 20 at most (public.top_referrers).
--
-- Concurrency: read-only, over an index by time.
-- Locks: none.
-- Returns: jsonb
--   referrers: public.top_referrers
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_referrers(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.check_period(p_actor_id, p_from, p_until);
  return jsonb_build_object(
    'referrers', public.top_referrers(private.day_start(p_from), private.day_start(p_until + 1), 20)
  );
end
$$;

revoke all on function public.analytics_referrers from public, anon, authenticated, service_role;
grant execute on function public.analytics_referrers to bot_backend;
comment on function public.analytics_referrers is 'Returns the users who referred the most others in a period';

-- Returns how many users came back on exactly the first, seventh and thirtieth day after their start, by cohorts: users who started in
-- the same day, week or month. of_n counts those users of a cohort whose nth day is over, so that a share compares like with like.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   step: 'day' | 'week' | 'month'
--   cohorts: [ {
--     start: date, users: int
--     day_1: int, of_1: int, day_7: int, of_7: int, day_30: int, of_30: int
--   } ]                             (oldest first; those without users are left out)
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_retention(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_step text := private.check_period(p_actor_id, p_from, p_until);
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_found jsonb;
begin
  select jsonb_build_object(
      'step', v_step,
      'cohorts', coalesce(
        jsonb_agg(
          jsonb_build_object(
            'start', c.start, 'users', c.users, 'day_1', c.day_1, 'of_1', c.of_1, 'day_7', c.day_7, 'of_7', c.of_7,
            'day_30', c.day_30, 'of_30', c.of_30
          )
          order by c.start
        ),
        '[]'::jsonb
      )
    )
    into v_found
    from (
      select date_trunc(v_step, n.day::timestamp)::date as start,
        sum(n.users) as users,
        coalesce(sum(r.day_1) filter (where n.day + 1 < v_today), 0) as day_1,
        coalesce(sum(n.users) filter (where n.day + 1 < v_today), 0) as of_1,
        coalesce(sum(r.day_7) filter (where n.day + 7 < v_today), 0) as day_7,
        coalesce(sum(n.users) filter (where n.day + 7 < v_today), 0) as of_7,
        coalesce(sum(r.day_30) filter (where n.day + 30 < v_today), 0) as day_30,
        coalesce(sum(n.users) filter (where n.day + 30 < v_today), 0) as of_30
        from (
          select t.day, sum(t.new_users) as users
            from public.daily_totals as t
           where t.day between p_from and p_until and t.bot = '' and t.provider = '' and t.model = ''
           group by t.day
          having sum(t.new_users) > 0
        ) as n
        left join lateral (
          select sum(a.users) filter (where a.day_n = 1) as day_1, sum(a.users) filter (where a.day_n = 7) as day_7,
            sum(a.users) filter (where a.day_n = 30) as day_30
            from public.cohort_activity as a
           where a.cohort_day = n.day and a.day_n in (1, 7, 30)
        ) as r on true
       group by 1
    ) as c;
  return v_found;
end
$$;

revoke all on function public.analytics_retention from public, anon, authenticated, service_role;
grant execute on function public.analytics_retention to bot_backend;
comment on function public.analytics_retention is 'Returns how many users came back, by cohorts';

-- Returns the revenue of a period by currency, product, provider, bot and source of the buyers. Gross is what was received, net is without
-- what was returned, each on its own day; test payments and purchases from the balance are left out (private.revenue_moves).
--
-- cohorts: what users who started in each of the last twelve months have paid so far, refunds subtracted.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   step: 'day' | 'week' | 'month'
--   currencies: [ { currency: text, gross: numeric, refunds: numeric, net: numeric, payments: int, refunded: int } ]
--   points: [ { start: date, currency: text, gross: numeric, refunds: numeric, net: numeric } ]
--   groups: [ {
--     dimension: 'product' | 'provider' | 'bot' | 'source'
--     key: text, texts: product_texts | null, currency: text
--     gross: numeric, refunds: numeric, net: numeric, payments: int
--   } ]                             (the greatest first)
--   cohorts: [ { month: date, users: int, currency: text, net: numeric } ]
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_revenue(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_step text := private.check_period(p_actor_id, p_from, p_until);
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_found jsonb;
begin
  with rows as materialized (
    select r.* from private.revenue_rows(p_from, p_until) as r
  ), grouped as (
    select k.dimension, k.key, r.currency, sum(r.gross) as gross, sum(r.refunds) as refunds, sum(r.payments) as payments
      from rows as r
      cross join lateral (
        values ('product', r.product_key), ('provider', r.provider), ('bot', r.bot), ('source', r.source)
      ) as k (dimension, key)
     group by 1, 2, 3
  ), cohorts as (
    select r.cohort_month, r.currency, sum(r.gross - r.refunds) as net
      from private.revenue_rows(least(p_until, v_today) - 365, least(p_until, v_today)) as r
     where r.cohort_month >= date_trunc('month', p_until::timestamp) - interval '11 months'
     group by 1, 2
  )
  select jsonb_build_object(
      'step', v_step,
      'currencies', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'currency', c.currency, 'gross', c.gross::text, 'refunds', c.refunds::text,
                'net', (c.gross - c.refunds)::text, 'payments', c.payments, 'refunded', c.refunded
              )
              order by c.currency
            ),
            '[]'::jsonb
          )
          from (
            select r.currency, sum(r.gross) as gross, sum(r.refunds) as refunds, sum(r.payments) as payments,
              sum(r.refunded) as refunded
              from rows as r
             group by 1
          ) as c
      ),
      'points', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'start', p.start, 'currency', p.currency, 'gross', p.gross::text, 'refunds', p.refunds::text,
                'net', (p.gross - p.refunds)::text
              )
              order by p.start, p.currency
            ),
            '[]'::jsonb
          )
          from (
            select date_trunc(v_step, r.day::timestamp)::date as start, r.currency, sum(r.gross) as gross, sum(r.refunds) as refunds
              from rows as r
             group by 1, 2
          ) as p
      ),
      'groups', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'dimension', g.dimension, 'key', g.key,
                'texts', case
                  when g.dimension = 'product' then (select p.texts from public.products as p where p.key = g.key)
                end,
                'currency', g.currency, 'gross', g.gross::text, 'refunds', g.refunds::text,
                'net', (g.gross - g.refunds)::text, 'payments', g.payments
              )
              order by g.dimension, g.currency, g.gross - g.refunds desc, g.key
            ),
            '[]'::jsonb
          )
          from grouped as g
      ),
      'cohorts', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'month', c.cohort_month,
                'users', (
                  select coalesce(sum(t.new_users), 0)
                    from public.daily_totals as t
                   where t.day >= c.cohort_month and t.day < c.cohort_month + interval '1 month' and t.bot = '' and t.provider = '' and t.model = ''
                ),
                'currency', c.currency, 'net', c.net::text
              )
              order by c.cohort_month, c.currency
            ),
            '[]'::jsonb
          )
          from cohorts as c
      )
    )
    into v_found;
  return v_found;
end
$$;

revoke all on function public.analytics_revenue from public, anon, authenticated, service_role;
grant execute on function public.analytics_revenue to bot_backend;
comment on function public.analytics_revenue is 'Returns the revenue of a period';

-- Returns the state of the figures: from when and until when days are summed, where they differed from a recount, and when the user
-- receives the daily report.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   day: date                     (today)
--   measured_since: date | null   (first day whose active users were counted for 30 days back)
--   summed_until: date | null     (null: no night yet)
--   drifts: [ { day: date, figure: text, counted: numeric, recounted: numeric } ]   (of the last 30 days)
--   report_hour: int | null       (null: no report)
-- Errors: N0009 the role does not allow it.
create or replace function public.analytics_state(p_actor_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  perform private.require_staff(p_actor_id, 'admin');
  return jsonb_build_object(
    'day', v_today,
    'measured_since', (select min(d.day) from public.analytics_days as d where d.active_month is not null),
    'summed_until', (select max(d.day) from public.analytics_days as d),
    'drifts', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'day', d.day, 'figure', d.figure, 'counted', trim_scale(d.counted)::text, 'recounted', trim_scale(d.recounted)::text
            )
            order by d.day desc, d.figure
          ),
          '[]'::jsonb
        )
        from public.analytics_drifts as d
       where d.day > v_today - 31
    ),
    'report_hour', (select r.hour from public.analytics_reports as r where r.user_id = p_actor_id)
  );
end
$$;

revoke all on function public.analytics_state from public, anon, authenticated, service_role;
grant execute on function public.analytics_state to bot_backend;
comment on function public.analytics_state is 'Returns the state of the figures';

-- Returns the monthly recurring revenue (MRR) of a period by currency, and what changed it: new, reactivated, expansion, contraction and
-- churned, as private.refresh_subscriber records them. `quarter` is what the lifetime value is estimated from: the 90 days that end with
-- p_until.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   step: 'day' | 'week' | 'month'
--   currencies: [ {
--     currency: text
--     mrr: numeric, subscribers: int          (at the end)
--     at_start: int                           (subscribers before the first day)
--     new: numeric, reactivated: numeric, expansion: numeric, contraction: numeric, churned: numeric
--     joined: int, lost: int                  (subscribers)
--     quarter: { since: date | null, at_start: int, lost: int }   (since: the first day with figures)
--     points: [ {
--       start: date, mrr: numeric, subscribers: int
--       new: numeric, reactivated: numeric, expansion: numeric, contraction: numeric, churned: numeric
--       joined: int, lost: int
--     } ]
--   } ]
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_subscriptions(p_actor_id bigint, p_from date, p_until date)
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
  select jsonb_build_object('step', v_step, 'currencies', coalesce(jsonb_agg(c.figures order by c.currency), '[]'::jsonb))
    into v_found
    from (
      select t.currency,
        jsonb_build_object(
          'currency', t.currency,
          'mrr', (array_agg(t.mrr order by t.start desc))[1]::text,
          'subscribers', (array_agg(t.subscribers order by t.start desc))[1],
          'at_start', coalesce((
            select b.subscribers
              from public.daily_subscriptions as b
             where b.currency = t.currency and b.day = p_from - 1
          ), 0),
          'new', sum(t.new)::text, 'reactivated', sum(t.reactivated)::text, 'expansion', sum(t.expansion)::text,
          'contraction', sum(t.contraction)::text, 'churned', sum(t.churned)::text,
          'joined', sum(t.joined), 'lost', sum(t.lost),
          'quarter', (
            select jsonb_build_object(
                'since', min(q.day),
                'at_start', coalesce((array_agg(q.subscribers order by q.day))[1], 0),
                'lost', coalesce(sum(q.lost_subscribers) filter (where q.day > p_until - 90), 0)
              )
              from public.daily_subscriptions as q
             where q.currency = t.currency and q.day between p_until - 90 and p_until
          ),
          'points', jsonb_agg(
            jsonb_build_object(
              'start', t.start, 'mrr', t.mrr::text, 'subscribers', t.subscribers, 'new', t.new::text,
              'reactivated', t.reactivated::text, 'expansion', t.expansion::text, 'contraction', t.contraction::text,
              'churned', t.churned::text, 'joined', t.joined, 'lost', t.lost
            )
            order by t.start
          )
        ) as figures
        from (
          select r.currency, date_trunc(v_step, r.day::timestamp)::date as start,
            (array_agg(r.mrr order by r.day desc))[1] as mrr, (array_agg(r.subscribers order by r.day desc))[1] as subscribers,
            sum(r.new) as new, sum(r.reactivated) as reactivated, sum(r.expansion) as expansion,
            sum(r.contraction) as contraction, sum(r.churned) as churned,
            sum(r.new_subscribers) as joined, sum(r.lost_subscribers) as lost
            from private.subscription_rows(p_from, p_until) as r
           group by 1, 2
        ) as t
       group by t.currency
    ) as c;
  return v_found;
end
$$;

revoke all on function public.analytics_subscriptions from public, anon, authenticated, service_role;
grant execute on function public.analytics_subscriptions to bot_backend;
comment on function public.analytics_subscriptions is 'Returns the monthly recurring revenue and what changed it';

-- Compares the figures of a finished day with a recount of the ledger, and alerts the admins once about those that differ.
--
-- Concurrency: a day and figure is recorded once, so a repeated call sends nothing.
-- Locks: none.
-- Returns: jsonb
--   drifts: [ text ]              (figures that differ and were not known)
--   outgoing: outgoing            (to deliver now)
-- Errors: none.
create or replace function private.check_analytics(p_day date)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_figures text[];
begin
  with found as (
    insert into public.analytics_drifts as d (day, figure, counted, recounted)
    select p_day, r.figure, r.counted, r.recounted
      from private.recount_day(p_day) as r
     where abs(r.counted - r.recounted) > r.allowed
    on conflict (day, figure) do nothing
    returning d.figure
  )
  select coalesce(array_agg(f.figure order by f.figure), '{}') into v_figures from found as f;
  return jsonb_build_object(
    'drifts', to_jsonb(v_figures),
    'outgoing', case
      when v_figures = '{}' then '[]'::jsonb
      else private.notify_admins(
        'admin_alert_analytics',
        jsonb_build_object(
          'day', jsonb_build_object('date', private.day_start(p_day)),
          'figures', (
            select string_agg(
                format('%s: %s / %s', d.figure, trim_scale(d.counted), trim_scale(d.recounted)), E'\n' order by d.figure
              )
              from public.analytics_drifts as d
             where d.day = p_day and d.figure = any (v_figures)
          )
        )
      )
    end
  );
end
$$;

revoke all on function private.check_analytics from public, anon, authenticated, service_role;
comment on function private.check_analytics is 'Compares the figures of a finished day with a recount';

-- Checks that a user may see figures of a period, which includes both days.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, what the figures are grouped by: day up to 62 days, week up to 186, otherwise month.
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function private.check_period(p_actor_id bigint, p_from date, p_until date)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  if coalesce(p_until - p_from, -1) not between 0 and 731 then
    raise exception 'the period must have 1 to 732 days' using errcode = 'N0004';
  end if;
  return case when p_until - p_from < 62 then 'day' when p_until - p_from < 186 then 'week' else 'month' end;
end
$$;

revoke all on function private.check_period from public, anon, authenticated, service_role;
comment on function private.check_period is 'Checks that a user may see figures of a period';

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
  returning m.started_on into v_started_on;
  if found and v_today - v_started_on <= 30 then
    insert into public.daily_funnel as f (cohort_day, step, shard, users)
    values (v_started_on, p_step, p_user_id & 15, 1)
    on conflict (cohort_day, step, shard) do update set users = f.users + 1;
  end if;
end
$$;

revoke all on function private.count_milestone from public, anon, authenticated, service_role;
comment on function private.count_milestone is 'Records that a user reached a step of the funnel';

-- Returns the subscription that makes a user a subscriber: of the active ones that were bought, the one of the highest plan.
--
-- Concurrency: read-only. A caller that stores it holds the user's lock.
-- Locks: none.
-- Returns: record, plan, currency and monthly_amount; all null without one.
-- Errors: none.
create or replace function private.current_subscription(
  p_user_id bigint, out plan text, out currency text, out monthly_amount numeric
)
returns record
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select s.plan, s.currency, s.monthly_amount
    from public.subscriptions as s
    join public.subscription_limits as l on l.plan = s.plan
   where s.user_id = p_user_id and s.source = 'purchase' and s.status = 'active' and s.monthly_amount is not null
   order by l.vip_level desc, s.id desc
   limit 1;
$$;

revoke all on function private.current_subscription from public, anon, authenticated, service_role;
comment on function private.current_subscription is 'Returns the subscription that makes a user a subscriber';

-- Returns when a day begins in the time zone of the setting quota_timezone.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: timestamptz
-- Errors: none.
create or replace function private.day_start(p_day date)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return p_day::timestamp at time zone private.setting('quota_timezone');
end
$$;

revoke all on function private.day_start from public, anon, authenticated, service_role;
comment on function private.day_start is 'Returns when a day begins';

-- Lists the admins whose daily report is due, of yesterday: its hour has come, and yesterday is summed.
--
-- Concurrency: read-only; public.enqueue_analytics_report sends each once.
-- Locks: none.
-- Returns: jsonb
--   day: date
--   reports: [ { user_id: bigint, languages: [ text | null ] } ]
-- Errors: none.
create or replace function public.due_analytics_reports()
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamp := private.clock() at time zone private.setting('quota_timezone');
begin
  return jsonb_build_object(
    'day', v_now::date - 1,
    'reports', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('user_id', r.user_id, 'languages', jsonb_build_array(u.language, u.language_code))
            order by r.user_id
          ),
          '[]'::jsonb
        )
        from public.analytics_reports as r
        join public.users as u on u.id = r.user_id
       where r.hour <= extract(hour from v_now)
         and coalesce(r.sent_on < v_now::date, true)
         and private.role_includes(private.staff_role(r.user_id), 'admin')
         and exists (select from public.analytics_days as d where d.day = v_now::date - 1)
    )
  );
end
$$;

revoke all on function public.due_analytics_reports from public, anon, authenticated, service_role;
grant execute on function public.due_analytics_reports to bot_backend;
comment on function public.due_analytics_reports is 'Lists the admins whose daily report is due';

-- Enqueues the daily report of an admin, of p_day, in a bot that reaches the admin.
--
-- p_parameters: of sendMessage, without chat_id.
--
-- Concurrency: the row is marked first, so a report of a day is sent once.
-- Locks: the admin's row of analytics_reports.
-- Returns: jsonb
--   outgoing: outgoing
-- Errors: none.
create or replace function public.enqueue_analytics_report(p_user_id bigint, p_day date, p_parameters jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user record;
begin
  update public.analytics_reports as r
     set sent_on = p_day + 1
   where r.user_id = p_user_id and coalesce(r.sent_on <= p_day, true);
  if not found then
    return jsonb_build_object('outgoing', '[]'::jsonb);
  end if;
  select u.telegram_id, private.reachable_bot(u.id, u.telegram_id, null) as bot into v_user
    from public.users as u
   where u.id = p_user_id;
  if v_user.bot is null then
    return jsonb_build_object('outgoing', '[]'::jsonb);
  end if;
  p_parameters := p_parameters || jsonb_build_object('chat_id', v_user.telegram_id);
  return jsonb_build_object(
    'outgoing',
    jsonb_build_array(
      jsonb_build_object(
        'bot', v_user.bot,
        'id', private.enqueue_calls(
          v_user.bot, null, jsonb_build_array(jsonb_build_object('method', 'sendMessage', 'parameters', p_parameters))
        ) -> 0,
        'method', 'sendMessage',
        'parameters', p_parameters
      )
    )
  );
end
$$;

revoke all on function public.enqueue_analytics_report from public, anon, authenticated, service_role;
grant execute on function public.enqueue_analytics_report to bot_backend;
comment on function public.enqueue_analytics_report is 'Enqueues the daily report of an admin';

-- Sums the AI cost of a day by the users' plans of now and by model, without calls on user API keys.
--
-- Concurrency: read-only. It reads the AI calls of this day, over a BRIN index.
-- Locks: none.
-- Returns: setof public.daily_ai_costs
-- Errors: none.
create or replace function private.ledger_ai_costs(p_day date)
returns setof public.daily_ai_costs
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_day, coalesce(l.plan, 'NONE'), a.provider, a.model, count(*)::integer, coalesce(sum(a.cost), 0)
    from public.api_usage as a
    left join public.users as u on u.id = a.user_id
    left join lateral (
      select s.plan
        from public.subscription_limits as s
       where s.vip_level <= u.vip_level
       order by s.vip_level desc
       limit 1
    ) as l on true
   where a.created_at >= private.day_start(p_day)
     and a.created_at < private.day_start(p_day + 1)
     and not a.is_user_api_key
   group by 2, 3, 4;
$$;

revoke all on function private.ledger_ai_costs from public, anon, authenticated, service_role;
comment on function private.ledger_ai_costs is 'Sums the AI cost of a day by plan and model';

-- Counts the trainings and courses that users began and completed on a day.
--
-- Concurrency: read-only, over the indexes by time: it reads the rows of this day.
-- Locks: none.
-- Returns: setof public.daily_learning
-- Errors: none.
create or replace function private.ledger_learning(p_day date)
returns setof public.daily_learning
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with moved as (
    select 'training' as kind, t.scenario as key, 1 as started, 0 as completed
      from public.trainings as t
     where t.created_at >= private.day_start(p_day) and t.created_at < private.day_start(p_day + 1) and t.mode <> 'review'
    union all
    select 'training', t.scenario, 0, 1
      from public.trainings as t
     where t.finished_at >= private.day_start(p_day) and t.finished_at < private.day_start(p_day + 1)
       and t.status = 'finished' and t.mode <> 'review'
    union all
    select 'course', c.slug, 1, 0
      from public.course_progress as p
      join public.courses as c on c.id = p.course_id
     where p.started_at >= private.day_start(p_day) and p.started_at < private.day_start(p_day + 1)
    union all
    select 'course', c.slug, 0, 1
      from public.course_progress as p
      join public.courses as c on c.id = p.course_id
     where p.completed_at >= private.day_start(p_day) and p.completed_at < private.day_start(p_day + 1)
  )
  select p_day, m.kind, m.key, sum(m.started)::integer, sum(m.completed)::integer from moved as m group by m.kind, m.key;
$$;

revoke all on function private.ledger_learning from public, anon, authenticated, service_role;
comment on function private.ledger_learning is 'Counts trainings and courses of a day';

-- Sums the revenue of days from the ledger, by currency, provider, product, bot, source and month in which the buyer started.
--
-- Concurrency: read-only: it reads the operations of these days.
-- Locks: none.
-- Returns: setof public.daily_revenue
-- Errors: none.
create or replace function private.ledger_revenue(p_from date, p_until date)
returns setof public.daily_revenue
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select (m.happened_at at time zone z.zone)::date, m.currency, p.provider,
    coalesce(o.product_key, r.product_key, ''), coalesce(o.bot, r.bot, ''), private.user_source(m.user_id),
    coalesce(date_trunc('month', u.created_at at time zone z.zone)::date, '-infinity'),
    sum(m.paid), sum(m.back),
    (count(distinct m.payment_id) filter (where m.paid > 0))::integer,
    (count(distinct m.payment_id) filter (where m.back > 0))::integer
    from private.revenue_moves(private.day_start(p_from), private.day_start(p_until + 1)) as m
    cross join (select private.setting('quota_timezone') as zone) as z
    join public.payments as p on p.id = m.payment_id
    left join public.orders as o on o.id = p.order_id
    left join public.renewals as r on r.id = p.renewal_id
    left join public.users as u on u.id = m.user_id
   where m.paid + m.back > 0 and m.currency is not null
   group by 1, 2, 3, 4, 5, 6, 7;
end
$$;

revoke all on function private.ledger_revenue from public, anon, authenticated, service_role;
comment on function private.ledger_revenue is 'Sums the revenue of days from the ledger';

-- Sums subscription_events of a day by currency, on top of the figures of the last day that is summed before it. A currency without
-- events keeps its figures.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: setof public.daily_subscriptions
-- Errors: none.
create or replace function private.ledger_subscriptions(p_day date)
returns setof public.daily_subscriptions
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with base as (
    select max(d.day) as day from public.daily_subscriptions as d where d.day < p_day
  ), known as (
    select d.currency, d.mrr, d.subscribers from public.daily_subscriptions as d join base as b on d.day = b.day
  ), events as (
    select e.currency, e.day, e.kind, e.amount, e.subscribers
      from public.subscription_events as e
      cross join base as b
     where e.day > coalesce(b.day, '-infinity') and e.day <= p_day
  ), figures as (
    select e.currency,
      sum(e.amount) as mrr,
      sum(e.subscribers) as subscribers,
      coalesce(sum(e.amount) filter (where e.day = p_day and e.kind = 'new'), 0) as new,
      coalesce(sum(e.amount) filter (where e.day = p_day and e.kind = 'expansion'), 0) as expansion,
      coalesce(sum(e.amount) filter (where e.day = p_day and e.kind = 'contraction'), 0) as contraction,
      coalesce(sum(e.amount) filter (where e.day = p_day and e.kind = 'churned'), 0) as churned,
      coalesce(sum(e.amount) filter (where e.day = p_day and e.kind = 'reactivated'), 0) as reactivated,
      count(*) filter (where e.day = p_day and e.kind in ('new', 'reactivated')) as new_subscribers,
      count(*) filter (where e.day = p_day and e.kind = 'churned') as lost_subscribers
      from events as e
     group by e.currency
  )
  select p_day, coalesce(f.currency, k.currency), coalesce(k.mrr, 0) + coalesce(f.mrr, 0),
    (coalesce(k.subscribers, 0) + coalesce(f.subscribers, 0))::integer,
    coalesce(f.new, 0), coalesce(f.expansion, 0), coalesce(f.contraction, 0), coalesce(f.churned, 0),
    coalesce(f.reactivated, 0), coalesce(f.new_subscribers, 0)::integer, coalesce(f.lost_subscribers, 0)::integer
    from known as k
    full join figures as f on f.currency = k.currency;
$$;

revoke all on function private.ledger_subscriptions from public, anon, authenticated, service_role;
comment on function private.ledger_subscriptions is 'Sums the subscription events of a day';

-- Returns what a payment for a plan costs a month: its amount, or the price of the renewal where nothing was charged (from credit), a
-- twelfth of it for a year.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, null without an amount.
-- Errors: none.
create or replace function private.monthly_price(p_payment public.payments, p_period text)
returns numeric
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select nullif(
    round(
      coalesce(
        nullif(p_payment.amount, 0), (select r.amount from public.renewals as r where r.id = p_payment.renewal_id)
      ) / case p_period when 'year' then 12 else 1 end,
      2
    ),
    0
  );
$$;

revoke all on function private.monthly_price from public, anon, authenticated, service_role;
comment on function private.monthly_price is 'Returns what a payment for a plan costs a month';

-- Does one step of the nightly job: records yesterday and compares it with a recount; or sums a day anew whose revenue changed; or
-- records an earlier day that is missing, of 400 at most. The job calls it until nothing is left.
--
-- Concurrency: an advisory lock lets one run work; another at the same time does nothing.
-- Locks: an advisory lock, then as private.record_day.
-- Returns: jsonb
--   day: date | null              (null: nothing was left to do)
--   drifts: [ text ]              (figures of yesterday that differ from the recount)
--   outgoing: outgoing            (to deliver now)
-- Errors: none.
create or replace function public.record_analytics()
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_yesterday date := (private.clock() at time zone private.setting('quota_timezone'))::date - 1;
  v_day date;
  v_checked jsonb := jsonb_build_object('drifts', '[]'::jsonb, 'outgoing', '[]'::jsonb);
begin
  if not pg_try_advisory_xact_lock(hashtext('record_analytics')) then
    return v_checked || jsonb_build_object('day', null);
  end if;
  if not exists (select from public.analytics_days as d where d.day = v_yesterday) then
    v_day := v_yesterday;
    perform private.record_day(v_day);
    v_checked := private.check_analytics(v_day);
  else
    select max(c.day) into v_day
      from private.revenue_changes as c
     where c.day <= v_yesterday
       and exists (select from public.analytics_days as d where d.day = c.day);
    if v_day is not null then
      perform private.record_revenue(v_day);
    else
      select max(g.day)::date into v_day
        from generate_series(
          greatest(
            v_yesterday - 400,
            least(
              (select min(t.day) from public.daily_totals as t),
              (
                select (min(o.happened_at) at time zone private.setting('quota_timezone'))::date
                  from public.payment_operations as o
              )
            )
          )::timestamp,
          v_yesterday::timestamp, interval '1 day'
        ) as g (day)
       where not exists (select from public.analytics_days as d where d.day = g.day::date);
      if v_day is not null then
        perform private.record_day(v_day);
      end if;
    end if;
  end if;
  return v_checked || jsonb_build_object('day', v_day);
end
$$;

revoke all on function public.record_analytics from public, anon, authenticated, service_role;
grant execute on function public.record_analytics to bot_backend;
comment on function public.record_analytics is 'Does one step of the nightly job of analytics';

-- Records the figures of a finished day: revenue, subscriptions, AI cost by plan, trainings and courses. Of yesterday also how many
-- users were active, which nothing tells later.
--
-- Concurrency: the caller holds the lock of public.record_analytics. A repeated call writes the same figures.
-- Locks: rows of the day in analytics_days, daily_revenue, daily_subscriptions, daily_ai_costs and daily_learning.
-- Returns: void
-- Errors: none.
create or replace function private.record_day(p_day date)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  perform private.record_revenue(p_day);
  if exists (select from public.daily_subscriptions as d where d.day = p_day - 1) then
    -- A transaction that began before midnight may have ended after the first sum.
    perform private.record_subscriptions(p_day - 1);
  end if;
  perform private.record_subscriptions(p_day);
  delete from public.daily_ai_costs as c where c.day = p_day;
  insert into public.daily_ai_costs select l.* from private.ledger_ai_costs(p_day) as l;
  delete from public.daily_learning as d where d.day = p_day;
  insert into public.daily_learning select l.* from private.ledger_learning(p_day) as l;
  insert into public.analytics_days (day) values (p_day) on conflict (day) do nothing;
  if p_day = v_today - 1 then
    update public.analytics_days as d
       set active_day = a.active_day, active_week = a.active_week, active_month = a.active_month, users = a.users
      from (
        select
          coalesce(sum(u.active) filter (where u.day = p_day), 0) as active_day,
          coalesce(sum(u.last_active) filter (where u.day >= p_day - 6), 0) as active_week,
          coalesce(sum(u.last_active) filter (where u.day >= p_day - 29), 0) as active_month,
          (select coalesce(sum(n.last_active), 0) from public.daily_active_users as n where n.day = '-infinity') as users
          from public.daily_active_users as u
         where u.day between p_day - 29 and v_today
      ) as a
     where d.day = p_day;
  end if;
end
$$;

revoke all on function private.record_day from public, anon, authenticated, service_role;
comment on function private.record_day is 'Records the figures of a finished day';

-- Sums the revenue of a finished day anew.
--
-- Concurrency: the marks are deleted before the ledger is read, so a change that is committed in between stays marked.
-- Locks: rows of private.revenue_changes and daily_revenue of the day.
-- Returns: void
-- Errors: none.
create or replace function private.record_revenue(p_day date)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from private.revenue_changes as c where c.day = p_day;
  delete from public.daily_revenue as r where r.day = p_day;
  insert into public.daily_revenue select l.* from private.ledger_revenue(p_day, p_day) as l;
end
$$;

revoke all on function private.record_revenue from public, anon, authenticated, service_role;
comment on function private.record_revenue is 'Sums the revenue of a finished day anew';

-- Sums the subscription events of a finished day anew.
--
-- Concurrency: the caller holds the lock of public.record_analytics.
-- Locks: rows of daily_subscriptions of the day.
-- Returns: void
-- Errors: none.
create or replace function private.record_subscriptions(p_day date)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.daily_subscriptions as d where d.day = p_day;
  insert into public.daily_subscriptions select l.* from private.ledger_subscriptions(p_day) as l;
end
$$;

revoke all on function private.record_subscriptions from public, anon, authenticated, service_role;
comment on function private.record_subscriptions is 'Sums the subscription events of a finished day anew';

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
    select s.step,
      (
        select coalesce(sum(f.users), 0) from public.daily_funnel as f where f.cohort_day = p_day and f.step = s.step
      ) as counted,
      (
        select count(*)
          from started as m
         where case s.step
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
      from unnest(array['answered', 'limited', 'checkout', 'paid']) as s (step)
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
  select 'funnel_' || s.step, s.counted, s.recounted::numeric, v_erased from steps as s
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

-- Brings subscribers up to date with a user's subscriptions, and writes what changed to subscription_events: new or reactivated,
-- expansion, contraction, churned. A plan in its grace period is still active and therefore not churned.
--
-- Concurrency: the caller holds the user's lock. Derived from the subscriptions, so a repeated call changes nothing.
-- Locks: the user's row of subscribers.
-- Returns: void
-- Errors: none.
create or replace function private.refresh_subscriber(p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_before public.subscribers;
  v_now record;
  v_is_known boolean;
begin
  select c.* into v_now from private.current_subscription(p_user_id) as c;
  select s.* into v_before from public.subscribers as s where s.user_id = p_user_id for update;
  v_is_known := found;
  if not v_is_known and v_now.plan is null then
    return;
  end if;
  if v_now.plan is null then
    update public.subscribers as s
       set monthly_amount = 0, changed_at = private.clock()
     where s.user_id = p_user_id and s.monthly_amount > 0;
  else
    insert into public.subscribers as s (user_id, plan, currency, monthly_amount)
    values (p_user_id, v_now.plan, v_now.currency, v_now.monthly_amount)
    on conflict (user_id) do update
      set plan = excluded.plan, currency = excluded.currency, monthly_amount = excluded.monthly_amount,
          changed_at = excluded.changed_at
      where (s.plan, s.currency, s.monthly_amount) <> (excluded.plan, excluded.currency, excluded.monthly_amount);
  end if;
  insert into public.subscription_events (day, user_id, kind, plan, currency, amount, subscribers)
  select v_today, p_user_id, e.kind, coalesce(v_now.plan, v_before.plan), e.currency, e.amount, e.subscribers
    from (
      select case
               when v_is_known
                 -- Before counting began, or after an erasure of the row.
                 or exists (
                   select from public.subscriptions as s
                    where s.user_id = p_user_id and s.source = 'purchase' and s.status <> 'active'
                 ) then 'reactivated'
               else 'new'
             end as kind,
             v_now.currency as currency, v_now.monthly_amount as amount, 1 as subscribers
       where v_now.plan is not null and coalesce(v_before.monthly_amount, 0) = 0
      union all
      select 'churned', v_before.currency, -v_before.monthly_amount, -1
       where v_now.plan is null and v_before.monthly_amount > 0
      union all
      select case when v_now.monthly_amount > v_before.monthly_amount then 'expansion' else 'contraction' end,
             v_now.currency, v_now.monthly_amount - v_before.monthly_amount, 0
       where v_before.monthly_amount > 0 and v_now.currency = v_before.currency
         and v_now.monthly_amount <> v_before.monthly_amount
      union all
      select c.kind, c.currency, c.amount, c.subscribers
        from (
          values ('contraction', v_before.currency, -v_before.monthly_amount, -1),
          ('expansion', v_now.currency, v_now.monthly_amount, 1)
        ) as c (kind, currency, amount, subscribers)
       where v_before.monthly_amount > 0 and v_now.currency <> v_before.currency
    ) as e;
end
$$;

revoke all on function private.refresh_subscriber from public, anon, authenticated, service_role;
comment on function private.refresh_subscriber is 'Brings subscribers up to date and records what changed';

-- Returns the money that moved in a period: what was received and what was returned (disputes too), each at the time it happened
-- at the provider. Test payments of production and purchases from the balance, whose money came with the top-up, are left out; so
-- are refunds in another currency and operations of payments that have not been reported yet.
--
-- p_since is included, p_until excluded.
--
-- Concurrency: read-only, over payment_operations_happened_idx.
-- Locks: none.
-- Returns: table (payment_id bigint, happened_at timestamptz, user_id bigint, currency text, paid numeric, back numeric)
-- Errors: none.
create or replace function private.revenue_moves(p_since timestamptz, p_until timestamptz)
returns table (
  payment_id bigint, happened_at timestamptz, user_id bigint, currency text, paid numeric, back numeric
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select o.payment_id, o.happened_at, p.user_id, p.currency,
    case when o.kind = 'paid' then o.amount else 0 end,
    case o.kind
      when 'paid' then 0 when 'refund_total' then o.amount - private.refunded_before(o) else o.amount
    end
    from public.payment_operations as o
    join public.payments as p on p.id = o.payment_id
   where o.happened_at >= p_since
     and o.happened_at < p_until
     and not o.is_undone
     and p.problem is distinct from 'test'
     and p.provider <> 'balance'
     and (o.kind = 'paid' or o.currency is null or o.currency = p.currency);
$$;

revoke all on function private.revenue_moves from public, anon, authenticated, service_role;
comment on function private.revenue_moves is 'Returns the money that moved in a period';

-- Returns the revenue of days: the sums of finished days, and the ledger's for today and for days that changed since they were summed.
--
-- Concurrency: read-only. A payment that is committed meanwhile is in both parts or in none.
-- Locks: none.
-- Returns: setof public.daily_revenue
-- Errors: none.
create or replace function private.revenue_rows(p_from date, p_until date)
returns setof public.daily_revenue
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with changed as materialized (
    select g.day::date as day
      from generate_series(p_from::timestamp, p_until::timestamp, interval '1 day') as g (day)
     where exists (select from private.revenue_changes as c where c.day = g.day::date)
        or (
          not exists (select from public.analytics_days as d where d.day = g.day::date)
          and g.day >= (
            select (min(o.happened_at) at time zone private.setting('quota_timezone'))::date from public.payment_operations as o
          )
        )
  )
  select r.*
    from public.daily_revenue as r
   where r.day between p_from and p_until
     and not exists (select from changed as c where c.day = r.day)
  union all
  select l.*
    from changed as c
    cross join lateral private.ledger_revenue(c.day, c.day) as l;
$$;

revoke all on function private.revenue_rows from public, anon, authenticated, service_role;
comment on function private.revenue_rows is 'Returns the revenue of days';

-- Switches the daily report of an admin on, at an hour of the time zone of the setting quota_timezone, or off (null). The first report
-- comes at the next such hour.
--
-- Concurrency: a repeated call changes nothing.
-- Locks: the user's row of analytics_reports.
-- Returns: jsonb
--   hour: int | null
-- Errors: N0009 the role does not allow it; N0004 there is no such hour.
create or replace function public.set_analytics_report(p_actor_id bigint, p_hour integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamp := private.clock() at time zone private.setting('quota_timezone');
begin
  perform private.require_staff(p_actor_id, 'admin');
  if p_hour not between 0 and 23 then
    raise exception 'the hour must be between 0 and 23' using errcode = 'N0004';
  elsif p_hour is null then
    delete from public.analytics_reports as r where r.user_id = p_actor_id;
  else
    insert into public.analytics_reports as r (user_id, hour, sent_on)
    values (p_actor_id, p_hour, case when extract(hour from v_now) >= p_hour then v_now::date end)
    on conflict (user_id) do update
      set hour = excluded.hour, sent_on = coalesce(greatest(r.sent_on, excluded.sent_on), r.sent_on);
  end if;
  return jsonb_build_object('hour', p_hour);
end
$$;

revoke all on function public.set_analytics_report from public, anon, authenticated, service_role;
grant execute on function public.set_analytics_report to bot_backend;
comment on function public.set_analytics_report is 'Switches the daily report of an admin on or off';

-- Returns the subscription figures of days: the sums of finished days, and those of today and of days that are not summed yet.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: setof public.daily_subscriptions
-- Errors: none.
create or replace function private.subscription_rows(p_from date, p_until date)
returns setof public.daily_subscriptions
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with days as (
    select (private.clock() at time zone private.setting('quota_timezone'))::date as today, max(a.day) as summed
      from public.analytics_days as a
  )
  select d.*
    from public.daily_subscriptions as d
    cross join days as s
   where d.day between p_from and p_until and d.day <= s.summed
  union all
  select l.*
    from days as s
    cross join lateral (
      select e.day
        from public.subscription_events as e
       where e.day between p_from and p_until and e.day > coalesce(s.summed, '-infinity')
      union
      select least(p_until, s.today)
       where least(p_until, s.today) > coalesce(s.summed, '-infinity')
    ) as g
    cross join lateral private.ledger_subscriptions(g.day) as l;
$$;

revoke all on function private.subscription_rows from public, anon, authenticated, service_role;
comment on function private.subscription_rows is 'Returns the subscription figures of days';

-- Returns how a user came: referral (brought by another user) or direct; unknown of an erased user.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text
-- Errors: none.
create or replace function private.user_source(p_user_id bigint)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_user_id is null then 'unknown'
    when exists (select from public.user_referrals as r where r.referred_id = p_user_id) then 'referral'
    else 'direct'
  end;
$$;

revoke all on function private.user_source from public, anon, authenticated, service_role;
comment on function private.user_source is 'Returns how a user came';

-- Returns for an owner what the page of the database shows: how it stands, its health, and the last runs of the database tool.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   overview: private.database_overview
--   health: public.admin_health
--   history: private.migration_history
-- Errors: N0009 the role does not allow it.
create or replace function public.owner_database(p_actor_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text;
begin
  perform private.require_staff(p_actor_id, 'owner');
  select a.email into v_email
    from public.admins as a
    join public.users as u on u.telegram_id = a.telegram_id
   where u.id = p_actor_id;
  return jsonb_build_object(
    'overview', public.admin_database_overview(v_email),
    'health', public.admin_health(v_email),
    'history', public.admin_migration_history(v_email, 20)
  );
end
$$;

revoke all on function public.owner_database from public, anon, authenticated, service_role;
grant execute on function public.owner_database to bot_backend;
comment on function public.owner_database is 'Returns what the page of the database shows';

-- Reverses a part of a payment effect (p_amount below zero) or restores it (above zero). Nothing happens for an erased user.
--
-- Concurrency: the caller holds the payment and the user. The ledger's reference contains the number of the adjustment; the
--   caller stores the new number.
-- Locks: user (NO KEY UPDATE, held by the caller), then the user's subscriptions of the plan, or enrollments in the course.
-- Returns: numeric, the quantity reversed: at most what the user had left; 0 for a restoration.
-- Errors: none.
create or replace function private.adjust_effect(
  p_payment public.payments, p_effect public.payment_effects, p_amount numeric
)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_plan text;
  v_subscription_id bigint;
  v_reversed numeric := 0;
begin
  select u.* into v_user from public.users as u where u.id = p_effect.user_id;
  if not found or p_amount = 0 then
    return 0;
  end if;
  case p_effect.effect
    when 'credits' then
      v_reversed := least(-p_amount, v_user.bonus_credits);
      update public.users as u
         set bonus_credits = u.bonus_credits - v_reversed::integer
       where u.id = v_user.id;
    when 'balance', 'commission' then
      v_reversed := least(-p_amount, v_user.balance);
      if v_reversed <> 0 then
        perform private.adjust_balance_for_payment(
          v_user.id, -v_reversed, 'refund', p_payment.id, p_effect.effect, p_effect.adjustments + 1
        );
      end if;
    when 'subscription' then
      select s.plan into v_plan from public.subscriptions as s where s.id = p_effect.subscription_id;
      if p_amount > 0 then
        select e.subscription_id into v_subscription_id
          from private.extend_subscription(v_user.id, v_plan, 'purchase', null, p_amount) as e;
        update public.subscriptions as s
           set monthly_amount = b.monthly_amount, currency = b.currency
          from public.subscriptions as b
         where s.id = v_subscription_id and s.monthly_amount is null and b.id = p_effect.subscription_id;
      else
        v_reversed := floor(private.shorten_subscription(v_user.id, v_plan, 'purchase', -p_amount));
      end if;
    when 'course' then
      perform private.switch_grant(p_payment.id, p_amount < 0);
      v_reversed := greatest(-p_amount, 0);
  end case;
  return greatest(v_reversed, 0);
end
$$;

revoke all on function private.adjust_effect from public, anon, authenticated, service_role;
comment on function private.adjust_effect is 'Reverses a part of a payment effect, or restores it';

-- Creates an order of one product at its current price, less the user's discount unless the order renews or tops up the
-- balance. From balance (provider balance, see public.pay_from_balance) everything except a top-up is sold, in balance_currency
-- and for one period. The order expires after order_hours, or with its discount if that is sooner.
--
-- p_reference: idempotency key. p_message_id: message whose button was tapped; if it invites to pay an order already (a double
-- tap, or an old screen), the same choice gets that order, and an order that is paid or under review is closed.
-- p_next_product_key: product for which a top-up is made, offered once it is paid. p_reuse: the same choice at the same price
-- gets the buyer's open order, whichever message or device it was chosen on, unless an attempt to pay it failed or it expires
-- within the hour.
--
-- Concurrency: a reference has one order, and every call with it gets that order. The user's lock makes an erasure run before
--   it or find the order. A discount is bound to one order at a time: its row is locked and the order that had it is withdrawn.
--   With p_reuse an advisory lock serializes the calls of one user, so that two devices get one order.
-- Locks: user (KEY SHARE), with p_reuse an advisory lock of the user's orders, discount, orders by id: the order in which
--   private.lock_payers locks, so that recording a payment at the same time cannot deadlock.
-- Returns: jsonb
--   outcome: 'created' | 'known'
--     | 'reused'           (an earlier call made it and it has a checkout, whose link may have run out since)
--     | 'closed'           (the message's order is paid or under review)
--     | 'not_for_sale'     (switched off, no price in this currency, or not sold from balance)
--   ...?private.order_details                    (created, known, reused)
--   ...?private.closed_checkout               (closed)
-- Errors: M0003 no such user.
create or replace function public.create_order(
  p_user_id bigint,
  p_product_key text,
  p_provider text,
  p_currency text,
  p_bot text,
  p_renews boolean default false,
  p_contact text default null,
  p_reference text default null,
  p_next_product_key text default null,
  p_message_id bigint default null,
  p_reuse boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_outcome text := 'known';
  v_invited public.orders;
  v_quote public.orders;
  v_closed jsonb;
begin
  perform from public.users as u where u.id = p_user_id for key share;
  if not found then
    raise exception 'there is no such user' using errcode = 'M0003';
  end if;
  select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
  if v_order.id is null and p_message_id is not null then
    select o.* into v_invited
      from public.orders as o
     where o.user_id = p_user_id and o.bot = p_bot and p_message_id = any(o.message_ids)
     order by o.id desc
     limit 1;
    v_closed := private.closed_checkout(v_invited);
    if v_closed is not null then
      return v_closed;
    elsif v_invited.checkout_url is not null
      and private.checkout_state(v_invited) is null
      and 'failed' <> all(v_invited.notified)
      and (v_invited.product_key, v_invited.provider, v_invited.currency) = (p_product_key, p_provider, p_currency)
      and v_invited.renews = p_renews
    then
      v_order := v_invited;
      v_outcome := 'reused';
    end if;
  end if;
  if v_order.id is not null then
    return private.order_details(v_order, v_outcome);
  end if;

  v_quote := private.quote_order(p_user_id, p_product_key, p_provider, p_currency, p_renews, p_reuse);
  if v_quote.product_key is null then
    return jsonb_build_object('outcome', 'not_for_sale');
  end if;
  v_quote.bot := p_bot;
  v_quote.contact := p_contact;
  v_quote.next_product_key := case when v_quote.kind = 'balance' then p_next_product_key end;
  if not v_quote.renews and v_quote.kind <> 'balance' then
    -- A concurrent call with this reference may have created the order while this one waited for the discount.
    select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
    if v_order.id is not null then
      return private.order_details(v_order, v_outcome);
    end if;
  end if;
  -- Another choice: the message will invite to pay the new order.
  update public.orders as o set message_ids = array_remove(o.message_ids, p_message_id) where o.id = v_invited.id;
  if p_reuse then
    v_order := private.find_reusable_order(v_quote);
    update public.orders as o
       set message_ids = array_append(array_remove(o.message_ids, p_message_id), p_message_id)
     where o.id = v_order.id and p_message_id is not null;
    if v_order.id is not null then
      return private.order_details(v_order, case when v_order.checkout_url is null then 'known' else 'reused' end);
    end if;
  end if;

  if v_quote.promocode_id is not null then
    perform private.withdraw_orders(p_user_id, v_quote.promocode_id, null);
  end if;
  insert into public.orders as o (
    user_id, product_key, provider, currency, amount, kind, plan, period, quantity, renews, contact, bot,
    reference, expires_at, full_amount, promocode_id, next_product_key, course_terms
  )
  values (
    p_user_id, v_quote.product_key, p_provider, p_currency, v_quote.amount, v_quote.kind, v_quote.plan, v_quote.period,
    v_quote.quantity, v_quote.renews, p_contact, p_bot, p_reference, v_quote.expires_at, v_quote.full_amount,
    v_quote.promocode_id, v_quote.next_product_key, v_quote.course_terms
  )
  on conflict (reference) do nothing
  returning o.* into v_order;
  if v_order.id is not null then
    if p_provider <> 'balance' then
      perform private.enter_sequences(p_user_id, 'checkout_opened');
    end if;
    perform private.count_milestone(p_user_id, 'checkout');
    return private.order_details(v_order, 'created');
  end if;
  select o.* into v_order from public.orders as o where o.reference = p_reference and o.user_id = p_user_id;
  return private.order_details(v_order, 'known');
end
$$;

revoke all on function public.create_order from public, anon, authenticated, service_role;
grant execute on function public.create_order to bot_backend;
comment on function public.create_order is 'Creates an order of one product';

-- Grants what a payment was made for: plan time, bonus credits, balance or a course. Completes the order, consumes its
-- discount, creates or extends the renewal, cancels the renewals that it replaces, pays the referrer's commission, and sends
-- the buyer a message. A purchase from balance shows the result on its own screen instead; a payment that was refunded before
-- it arrived sends none.
--
-- Concurrency: the caller holds the payment and its order and has checked that nothing was granted; effects are also unique per
--   payment. Buyer and referrer are locked in the order of their ids, so that two payments with the same two users cannot
--   deadlock.
-- Locks: payment and order (held by the caller), buyer and referrer by id (NO KEY UPDATE), then the buyer's subscriptions,
--   other orders with the same discount by id, broadcasts that the buyer received, and renewals; before those, as
--   private.count_milestone.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.fulfil_payment(p_payment public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_purchase record;
  v_referrer_id bigint;
  v_given numeric;
  v_ends_at timestamptz;
  v_offer jsonb;
  v_is_resumed boolean;
  v_replaced jsonb;
begin
  select b.kind, b.plan, b.period, b.quantity, b.bot, b.product_key, b.order_id, b.next_product_key
    into v_purchase
    from (
      select o.product_key, o.kind, o.plan, o.period, o.quantity, o.bot, o.id as order_id, o.next_product_key
        from public.orders as o
       where o.id = p_payment.order_id
      union all
      select r.product_key, r.kind, r.plan, r.period, null::numeric, r.bot, null::bigint, null::text
        from public.renewals as r
       where r.id = p_payment.renewal_id and p_payment.order_id is null
    ) as b;
  select r.referrer_id into v_referrer_id
    from public.user_referrals as r
   where r.referred_id = p_payment.user_id and r.status = 'completed';
  perform from public.users as u
    where u.id in (p_payment.user_id, v_referrer_id)
    order by u.id
      for no key update;
  select u.id into v_referrer_id from public.users as u where u.id = v_referrer_id;  -- null: erased in between

  select g.given, g.ends_at into v_given, v_ends_at
    from private.grant_purchase(
      p_payment, v_purchase.kind, v_purchase.plan, v_purchase.period, v_purchase.quantity
    ) as g;
  perform private.pay_commission(p_payment, v_referrer_id);
  if p_payment.amount > 0 and p_payment.provider <> 'balance' then
    perform private.count_milestone(p_payment.user_id, 'paid');
  end if;

  update public.orders as o
     set status = 'completed', completed_at = v_now
   where o.id = p_payment.order_id and o.status <> 'completed';
  perform private.consume_discount(p_payment.order_id);
  if v_purchase.order_id is not null and p_payment.renewal_id is null and p_payment.status <> 'refunded' then
    perform private.on_purchase(p_payment.user_id, v_purchase.order_id, v_purchase.kind);
  end if;
  v_is_resumed := private.save_renewal(p_payment, v_ends_at);
  v_replaced := private.replace_renewals(p_payment, v_is_resumed);
  if p_payment.status = 'refunded' or p_payment.provider = 'balance' then
    return v_replaced;
  end if;
  v_offer := private.offer_after_top_up(p_payment.user_id, v_purchase.order_id, v_purchase.next_product_key);
  return private.enqueue_user_message(
    p_payment.user_id,
    v_purchase.bot,
    case
      when v_offer is not null then 'paid_balance_continues'
      when v_is_resumed then 'renewed_resumed'
      when p_payment.renewal_id is null then 'paid_' || v_purchase.kind
      else 'renewed'
    end,
    jsonb_build_object('title', private.product_titles(v_purchase.product_key))
    || case v_purchase.kind
         when 'subscription' then jsonb_build_object('until', jsonb_build_object('date', v_ends_at))
         when 'course' then '{}'
         when 'balance' then jsonb_build_object(
           'quantity', jsonb_build_object('amount', v_given, 'currency', private.setting('balance_currency'))
         )
         else jsonb_build_object('quantity', trim_scale(v_given))
       end
    || coalesce(v_offer -> 'values', '{}'),
    v_offer -> 'buttons'
  ) || v_replaced;
end
$$;

revoke all on function private.fulfil_payment from public, anon, authenticated, service_role;
comment on function private.fulfil_payment is 'Grants what a payment was made for';

-- Grants what was bought with a payment (plan time, bonus credits, balance or a course) and records it as the payment's effect.
--
-- Concurrency: the caller holds the payment and the user and has checked that nothing was granted; the effect is also unique
--   per payment, so that a second grant fails.
-- Locks: user (held by the caller), then the user's subscriptions of the plan, or enrollments in the course.
-- Returns: (given, ends_at), the quantity granted (payment_effects.given) and the new end of the plan; null without a plan.
-- Errors: none.
create or replace function private.grant_purchase(
  p_payment public.payments,
  p_kind text,
  p_plan text,
  p_period text,
  p_quantity numeric,
  out given numeric,
  out ends_at timestamptz
)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_subscription_id bigint;
begin
  case p_kind
    when 'subscription' then
      select e.subscription_id, e.seconds into v_subscription_id, given
        from private.extend_subscription(p_payment.user_id, p_plan, 'purchase', p_period, null) as e;
      update public.subscriptions as s
         set monthly_amount = coalesce(p.price, s.monthly_amount),
             currency = case when p.price is null then s.currency else p_payment.currency end
        from private.monthly_price(p_payment, p_period) as p (price)
       where s.id = v_subscription_id
      returning s.ends_at into ends_at;
    when 'credits' then
      given := p_quantity;
      update public.users as u set bonus_credits = u.bonus_credits + given::integer where u.id = p_payment.user_id;
    when 'balance' then
      given := p_quantity;
      perform private.adjust_balance_for_payment(p_payment.user_id, given, 'payment', p_payment.id, 'balance', 0);
    when 'course' then
      given := 1;
      perform private.enroll_buyer(p_payment);
  end case;
  insert into public.payment_effects (payment_id, effect, user_id, subscription_id, given)
  values (p_payment.id, p_kind, p_payment.user_id, v_subscription_id, grant_purchase.given);
end
$$;

revoke all on function private.grant_purchase from public, anon, authenticated, service_role;
comment on function private.grant_purchase is 'Grants what was bought with a payment';

-- Collects what is stored about a user for figures: the days of first steps, what their plans cost a month and how that changed, and
-- the daily report that an admin receives.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.analytics_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'first_steps', (
      select coalesce(jsonb_agg(to_jsonb(m) - 'user_id'), '[]'::jsonb) from public.user_milestones as m where m.user_id = p_user_id
    ),
    'plan_price', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id'), '[]'::jsonb) from public.subscribers as s where s.user_id = p_user_id
    ),
    'plan_changes', (
      select coalesce(jsonb_agg(to_jsonb(e) - array['id', 'user_id'] order by e.id), '[]'::jsonb)
        from public.subscription_events as e
       where e.user_id = p_user_id
    ),
    'report', (
      select coalesce(jsonb_agg(to_jsonb(r) - 'user_id'), '[]'::jsonb) from public.analytics_reports as r where r.user_id = p_user_id
    )
  );
$$;

revoke all on function private.analytics_section from public, anon, authenticated, service_role;
comment on function private.analytics_section is 'Collects what is stored about a user for figures';

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
    'photo', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'bot', a.bot, 'photo_id', a.photo_id, 'mime_type', a.mime_type, 'image', encode(a.image, 'base64'),
               'wanted_at', a.wanted_at, 'checked_at', a.checked_at
             )), '[]'::jsonb)
        from public.user_avatars as a
       where a.user_id = u.id
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
    'messenger', private.messenger_section(u.id),
    'analytics', private.analytics_section(u.id),
    'reminders', (
      select coalesce(jsonb_agg(to_jsonb(r) - array['user_id', 'asked_by'] order by r.due_at, r.id), '[]'::jsonb)
        from public.reminders as r
       where r.user_id = u.id
    ),
    'broadcasts', private.broadcasts_section(u.id),
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
    'staff', (
      select coalesce(jsonb_agg(to_jsonb(s) - array['user_id', 'added_by']), '[]'::jsonb)
        from public.staff as s
       where s.user_id = u.id
    ),
    'staff_invitations', (
      select coalesce(
          jsonb_agg(to_jsonb(i) - array['id', 'token_hash', 'created_by', 'accepted_by'] order by i.id), '[]'::jsonb
        )
        from public.staff_invitations as i
       where i.created_by = u.id or i.accepted_by = u.id
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
-- first_request, if the bot has one; a new level is announced.
--
-- Concurrency: the XP are given once, see private.award_xp.
-- Locks: user (NO KEY UPDATE), then as private.count_milestone.
-- Returns: jsonb, list of the messages to deliver now, or left to the sweep (outgoing).
-- Errors: none.
create or replace function private.complete_first_request(p_user_id bigint, p_bot text)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  update public.users as u set is_newcomer = false where u.id = p_user_id;
  if not found then
    return '[]'::jsonb;
  end if;
  perform private.count_milestone(p_user_id, 'answered');
  if exists (select from public.xp_rules as x where x.bot in (p_bot, '') and x.rule = 'first_request') then
    return private.announce_level(
      p_user_id, p_bot, private.award_xp(p_user_id, p_bot, 'first_request', 'first_request')
    );
  end if;
  return '[]'::jsonb;
end
$$;

revoke all on function private.complete_first_request from public, anon, authenticated, service_role;
comment on function private.complete_first_request is 'Completes the first served request of a user';

-- Adds a new user to the totals of the day, the first step of the funnel.
--
-- Concurrency: the caller has just inserted or started the user's row, which happens once.
-- Locks: one of the sixteen rows of daily_totals for new users.
-- Returns: void
-- Errors: none.
create or replace function private.count_new_user(p_user_id bigint, p_now timestamptz)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  insert into public.user_milestones (user_id, started_on)
  values (p_user_id, (p_now at time zone private.setting('quota_timezone'))::date)
  on conflict (user_id) do nothing;
  insert into public.daily_totals as t (day, provider, model, is_user_api_key, shard, new_users)
  values (
    (p_now at time zone private.setting('quota_timezone'))::date, '', '', false, p_user_id & 15, 1
  )
  on conflict (day, bot, provider, model, is_user_api_key, shard) do update
    set new_users = t.new_users + excluded.new_users;
$$;

revoke all on function private.count_new_user from public, anon, authenticated, service_role;
comment on function private.count_new_user is 'Adds a new user to the totals of the day';

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
--   monthly_usage; for a refused question as private.count_milestone.
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
    if reservation = 'refused' then
      perform private.count_milestone(p_user_id, 'limited');
    elsif reservation in ('user_cost', 'bot_cost') then
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

alter table public.subscriptions add constraint subscriptions_check2 CHECK (((monthly_amount IS NULL) = (currency IS NULL)));

alter table public.subscriptions add constraint subscriptions_monthly_amount_check CHECK ((monthly_amount > (0)::numeric));

CREATE INDEX api_usage_created_idx ON public.api_usage USING brin (created_at);

CREATE INDEX course_progress_completed_idx ON public.course_progress USING btree (completed_at) WHERE (completed_at IS NOT NULL);

CREATE INDEX course_progress_started_idx ON public.course_progress USING btree (started_at);

CREATE INDEX trainings_created_idx ON public.trainings USING btree (created_at);

CREATE INDEX trainings_finished_idx ON public.trainings USING btree (finished_at) WHERE (status = 'finished'::text);

-- Rows of before: users of the last 90 days get their place in the funnel and their retention, as far as their requests tell it; plans
-- that run are the opening amount of the monthly recurring revenue.

insert into public.user_milestones (user_id, started_on, answered_on, checkout_on, paid_on)
select u.id, d.day,
  case when not u.is_newcomer then greatest(d.day, (select min(y.day) from public.daily_usage as y where y.user_id = u.id)) end,
  (
    select (min(o.created_at) at time zone z.zone)::date
      from public.orders as o
     where o.user_id = u.id and o.renewal_id is null
  ),
  (
    select (min(p.completed_at) at time zone z.zone)::date
      from public.payments as p
     where p.user_id = u.id and p.amount > 0 and p.provider <> 'balance'
       and exists (select from public.payment_effects as e where e.payment_id = p.id)
  )
  from public.users as u
  cross join (select private.setting('quota_timezone') as zone) as z
  cross join lateral (select (u.created_at at time zone z.zone)::date as day) as d
 where u.has_started and u.created_at >= private.clock() - interval '90 days'
on conflict (user_id) do nothing;

insert into public.daily_funnel (cohort_day, step, shard, users)
select m.started_on, s.step, m.user_id & 15, count(*)
  from public.user_milestones as m
  cross join lateral (
    values ('answered', m.answered_on), ('checkout', m.checkout_on), ('paid', m.paid_on)
  ) as s (step, day)
 where s.day - m.started_on <= 30
 group by 1, 2, 3
on conflict (cohort_day, step, shard) do nothing;

insert into public.cohort_activity (cohort_day, day_n, shard, users)
select m.started_on, y.day - m.started_on, m.user_id & 15, count(distinct m.user_id)
  from public.user_milestones as m
  join public.daily_usage as y on y.user_id = m.user_id and y.day - m.started_on between 1 and 30
 group by 1, 2, 3
on conflict (cohort_day, day_n, shard) do nothing;

update public.subscriptions as s
   set monthly_amount = l.price, currency = l.currency
  from (
    select distinct on (e.subscription_id) e.subscription_id, p.currency,
      private.monthly_price(p, coalesce(o.period, r.period)) as price
      from public.payment_effects as e
      join public.payments as p on p.id = e.payment_id
      left join public.orders as o on o.id = p.order_id
      left join public.renewals as r on r.id = p.renewal_id
     where e.effect = 'subscription' and p.currency is not null
       and private.monthly_price(p, coalesce(o.period, r.period)) is not null
     order by e.subscription_id, p.id desc
  ) as l
 where s.id = l.subscription_id and s.source = 'purchase' and s.status = 'active';

insert into public.subscribers (user_id, plan, currency, monthly_amount)
select u.user_id, c.plan, c.currency, c.monthly_amount
  from (
    select distinct s.user_id from public.subscriptions as s where s.monthly_amount is not null and s.status = 'active'
  ) as u
  cross join lateral private.current_subscription(u.user_id) as c
on conflict (user_id) do nothing;

insert into public.subscription_events (day, user_id, kind, plan, currency, amount, subscribers)
select (private.clock() at time zone private.setting('quota_timezone'))::date, s.user_id, 'opening', s.plan, s.currency,
  s.monthly_amount, 1
  from public.subscribers as s;

CREATE TRIGGER payment_operations_mark_revenue AFTER INSERT OR UPDATE ON public.payment_operations FOR EACH ROW EXECUTE FUNCTION private.mark_revenue_of_operation();

CREATE TRIGGER payments_mark_revenue AFTER UPDATE ON public.payments FOR EACH ROW WHEN (((old.currency IS DISTINCT FROM new.currency) OR (old.order_id IS DISTINCT FROM new.order_id) OR (old.renewal_id IS DISTINCT FROM new.renewal_id) OR (old.user_id IS DISTINCT FROM new.user_id) OR (old.problem IS DISTINCT FROM new.problem))) EXECUTE FUNCTION private.mark_revenue_of_payment();

CREATE TRIGGER subscriptions_track_subscribers AFTER INSERT OR UPDATE OF status, monthly_amount, currency ON public.subscriptions FOR EACH ROW WHEN ((new.source = 'purchase'::text)) EXECUTE FUNCTION private.track_subscriber();

comment on column public.subscriptions.monthly_amount is 'What the last purchase of it costs a month; null: it was not bought, or the amount is unknown';

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, '{"key": "analytics_drift_percent", "about": "Percent by which active users may differ from a recount before the admins are alerted; other figures must be equal", "value": 2}') on conflict do nothing;

insert into private.settings ("key", "about", "value") select "key", "about", "value"
from jsonb_populate_record(null::private.settings, E'{"key": "usd_rates", "about": "US dollars for one unit of each currency, for margins: {\\"USD\\": 1, \\"RUB\\": 0.0125, \\"XTR\\": 0.013}; a currency without a rate has no margin", "value": {"USD": 1}}') on conflict do nothing;
