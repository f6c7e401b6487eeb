-- Returns what a user may still ask today and this month, over all bots. p_timezone: the setting quota_timezone, from
-- a caller that has read it.
--
-- Concurrency: read-only. A caller that spends a request locks the user's row first.
-- Locks: none.
-- Returns: record, plan (NONE, which allows nothing, when no plan covers the level), its features and history_length;
--   for the day and the month, in the time zone quota_timezone: start, end, requests used from the plan and allowed
--   (null: no limit); timezone; failed requests that were released on the day.
-- Errors: none.
create or replace function private.quota(
  p_user_id bigint,
  p_vip_level integer,
  p_timezone text default null,
  out plan text,
  out features text[],
  out history_length integer,
  out day date,
  out requests integer,
  out daily_requests integer,
  out resets_at timestamptz,
  out month date,
  out month_requests integer,
  out monthly_requests integer,
  out month_resets_at timestamptz,
  out timezone text,
  out releases integer
)
returns record
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  timezone := coalesce(p_timezone, private.setting('quota_timezone'));
  day := (private.clock() at time zone timezone)::date;
  resets_at := (day + 1)::timestamp at time zone timezone;
  month := date_trunc('month', day::timestamp)::date;
  month_resets_at := (month + interval '1 month') at time zone timezone;
  select l.plan, l.features, l.history_length, l.daily_requests, l.monthly_requests, d.requests, d.releases,
    coalesce(
      (select m.requests from public.monthly_usage as m where m.user_id = p_user_id and m.month = quota.month), 0
    )
    into plan, features, history_length, daily_requests, monthly_requests, requests, releases, month_requests
    from (
      select coalesce(sum(u.requests), 0) as requests, coalesce(sum(u.releases), 0) as releases
        from public.daily_usage as u
       where u.user_id = p_user_id and u.day = quota.day
    ) as d
    left join (
      select s.*
        from public.subscription_limits as s
       where s.vip_level <= p_vip_level
       order by s.vip_level desc
       limit 1
    ) as l on true;
  if plan is null then
    -- The plan was deleted: allow nothing, because null would mean no limit.
    plan := 'NONE';
    features := '{}';
    daily_requests := 0;
  end if;
end
$$;

revoke all on function private.quota from public, anon, authenticated, service_role;
comment on function private.quota is 'Returns what a user may still ask today and this month';
