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
