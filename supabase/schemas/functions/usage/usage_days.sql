-- Returns the requests of a user on the 30 days that end with p_day, over all bots.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ { day: date, requests: int, bonus_requests: int, user_api_key_requests: int } ]   (30, p_day last)
-- Errors: none.
create or replace function private.usage_days(p_user_id bigint, p_day date)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select
    jsonb_agg(
      jsonb_build_object(
        'day', d.day,
        'requests', d.requests,
        'bonus_requests', d.bonus_requests,
        'user_api_key_requests', d.user_api_key_requests
      )
      order by d.day
    )
    from (
      select
        g.day::date as day,
        coalesce(sum(u.requests), 0) as requests,
        coalesce(sum(u.bonus_requests), 0) as bonus_requests,
        coalesce(sum(u.user_api_key_requests), 0) as user_api_key_requests
        from generate_series((p_day - 29)::timestamp, p_day::timestamp, interval '1 day') as g (day)
        left join (
          select r.day, r.requests, r.bonus_requests, r.user_api_key_requests
            from public.daily_usage as r
           where r.user_id = p_user_id and r.day between p_day - 29 and p_day
        ) as u on u.day = g.day::date
       group by g.day
    ) as d;
$$;

revoke all on function private.usage_days from public, anon, authenticated, service_role;
comment on function private.usage_days is 'Returns the requests of a user on 30 days';
