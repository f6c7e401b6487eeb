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
