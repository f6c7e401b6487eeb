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
