-- Returns the state of the figures: from when and until when days are summed, where they differed from a recount, and when the user
-- receives the daily report.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   day: date                     (today)
--   measured_since: date | null   (first day whose active users were counted for 30 days back)
--   summed_until: date | null     (null: no night yet)
--   drifts: [ { day: date, figure: text, counted: numeric, recounted: numeric } ]   (of the last 30 days)
--   report_hour: int | null       (null: no report)
-- Errors: N0009 the role does not allow it.
create or replace function public.analytics_state(p_actor_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
begin
  perform private.require_staff(p_actor_id, 'admin');
  return jsonb_build_object(
    'day', v_today,
    'measured_since', (select min(d.day) from public.analytics_days as d where d.active_month is not null),
    'summed_until', (select max(d.day) from public.analytics_days as d),
    'drifts', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'day', d.day, 'figure', d.figure, 'counted', trim_scale(d.counted)::text, 'recounted', trim_scale(d.recounted)::text
            )
            order by d.day desc, d.figure
          ),
          '[]'::jsonb
        )
        from public.analytics_drifts as d
       where d.day > v_today - 31
    ),
    'report_hour', (select r.hour from public.analytics_reports as r where r.user_id = p_actor_id)
  );
end
$$;

revoke all on function public.analytics_state from public, anon, authenticated, service_role;
grant execute on function public.analytics_state to bot_backend;
comment on function public.analytics_state is 'Returns the state of the figures';
