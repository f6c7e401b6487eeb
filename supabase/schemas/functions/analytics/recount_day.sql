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
