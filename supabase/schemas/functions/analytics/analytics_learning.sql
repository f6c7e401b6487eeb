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
