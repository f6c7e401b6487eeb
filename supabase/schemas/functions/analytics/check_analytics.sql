-- Compares the figures of a finished day with a recount of the ledger, and alerts the admins once about those that differ.
--
-- Concurrency: a day and figure is recorded once, so a repeated call sends nothing.
-- Locks: none.
-- Returns: jsonb
--   drifts: [ text ]              (figures that differ and were not known)
--   outgoing: outgoing            (to deliver now)
-- Errors: none.
create or replace function private.check_analytics(p_day date)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_figures text[];
begin
  with found as (
    insert into public.analytics_drifts as d (day, figure, counted, recounted)
    select p_day, r.figure, r.counted, r.recounted
      from private.recount_day(p_day) as r
     where abs(r.counted - r.recounted) > r.allowed
    on conflict (day, figure) do nothing
    returning d.figure
  )
  select coalesce(array_agg(f.figure order by f.figure), '{}') into v_figures from found as f;
  return jsonb_build_object(
    'drifts', to_jsonb(v_figures),
    'outgoing', case
      when v_figures = '{}' then '[]'::jsonb
      else private.notify_admins(
        'admin_alert_analytics',
        jsonb_build_object(
          'day', jsonb_build_object('date', private.day_start(p_day)),
          'figures', (
            select string_agg(
                format('%s: %s / %s', d.figure, trim_scale(d.counted), trim_scale(d.recounted)), E'\n' order by d.figure
              )
              from public.analytics_drifts as d
             where d.day = p_day and d.figure = any (v_figures)
          )
        )
      )
    end
  );
end
$$;

revoke all on function private.check_analytics from public, anon, authenticated, service_role;
comment on function private.check_analytics is 'Compares the figures of a finished day with a recount';
