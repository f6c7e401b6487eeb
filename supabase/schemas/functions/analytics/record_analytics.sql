-- Does one step of the nightly job: records yesterday and compares it with a recount; or sums a day anew whose revenue changed; or
-- records an earlier day that is missing, of 400 at most. The job calls it until nothing is left.
--
-- Concurrency: an advisory lock lets one run work; another at the same time does nothing.
-- Locks: an advisory lock, then as private.record_day.
-- Returns: jsonb
--   day: date | null              (null: nothing was left to do)
--   drifts: [ text ]              (figures of yesterday that differ from the recount)
--   outgoing: outgoing            (to deliver now)
-- Errors: none.
create or replace function public.record_analytics()
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_yesterday date := (private.clock() at time zone private.setting('quota_timezone'))::date - 1;
  v_day date;
  v_checked jsonb := jsonb_build_object('drifts', '[]'::jsonb, 'outgoing', '[]'::jsonb);
begin
  if not pg_try_advisory_xact_lock(hashtext('record_analytics')) then
    return v_checked || jsonb_build_object('day', null);
  end if;
  if not exists (select from public.analytics_days as d where d.day = v_yesterday) then
    v_day := v_yesterday;
    perform private.record_day(v_day);
    v_checked := private.check_analytics(v_day);
  else
    select max(c.day) into v_day
      from private.revenue_changes as c
     where c.day <= v_yesterday
       and exists (select from public.analytics_days as d where d.day = c.day);
    if v_day is not null then
      perform private.record_revenue(v_day);
    else
      select max(g.day)::date into v_day
        from generate_series(
          greatest(
            v_yesterday - 400,
            least(
              (select min(t.day) from public.daily_totals as t),
              (
                select (min(o.happened_at) at time zone private.setting('quota_timezone'))::date
                  from public.payment_operations as o
              )
            )
          )::timestamp,
          v_yesterday::timestamp, interval '1 day'
        ) as g (day)
       where not exists (select from public.analytics_days as d where d.day = g.day::date);
      if v_day is not null then
        perform private.record_day(v_day);
      end if;
    end if;
  end if;
  return v_checked || jsonb_build_object('day', v_day);
end
$$;

revoke all on function public.record_analytics from public, anon, authenticated, service_role;
grant execute on function public.record_analytics to bot_backend;
comment on function public.record_analytics is 'Does one step of the nightly job of analytics';
