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
