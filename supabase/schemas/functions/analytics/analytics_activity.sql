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
