-- Returns how far the users got who started in a period: each step within 30 days of the start (user_milestones), in all and by the
-- bot that they started first.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   step: 'day' | 'week' | 'month'
--   points: [ { start: date, started: int, answered: int, limited: int, checkout: int, paid: int } ]
--   bots: [ { bot: text, started: int, answered: int, limited: int, checkout: int, paid: int } ]
--                              (the greatest first; empty: unknown)
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
      ),
      'bots', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'bot', b.bot, 'started', b.started, 'answered', b.answered, 'limited', b.limited, 'checkout', b.checkout,
                'paid', b.paid
              )
              order by b.started desc, b.bot
            ),
            '[]'::jsonb
          )
          from (
            select d.bot, coalesce(sum(d.users) filter (where d.step = 'started'), 0) as started,
              coalesce(sum(d.users) filter (where d.step = 'answered'), 0) as answered,
              coalesce(sum(d.users) filter (where d.step = 'limited'), 0) as limited,
              coalesce(sum(d.users) filter (where d.step = 'checkout'), 0) as checkout,
              coalesce(sum(d.users) filter (where d.step = 'paid'), 0) as paid
              from public.daily_funnel as d
             where d.cohort_day between p_from and p_until and d.users > 0
             group by d.bot
          ) as b
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
