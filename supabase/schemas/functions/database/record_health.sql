-- Measures this database's health, keeps the figures, deletes those older than health_samples_days, and alerts the admins about
-- bad figures and those that are good again.
--
-- Concurrency: an advisory lock lets one run work; another at the same time does nothing.
-- Locks: an advisory lock, then rows of health_alerts by kind.
-- Returns: jsonb
--   figures: int
--   bad: [ text ]                 (kinds)
--   alerts: [ text ]              (kinds of which the admins are alerted now)
--   resolved: [ text ]
--   outgoing: outgoing            (to deliver now)
-- Errors: none.
create or replace function public.record_health()
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_figure record;
  v_alert jsonb;
  v_result jsonb := jsonb_build_object(
    'bad', '[]'::jsonb, 'alerts', '[]'::jsonb, 'resolved', '[]'::jsonb, 'outgoing', '[]'::jsonb
  );
  v_figures integer := 0;
begin
  if not pg_try_advisory_xact_lock(hashtext('record_health')) then
    return v_result || jsonb_build_object('figures', 0);
  end if;
  delete from private.health_samples as h
   where h.at < v_now - make_interval(days => private.setting('health_samples_days')::integer);
  for v_figure in select f.* from private.health_figures() as f order by f.kind loop
    v_figures := v_figures + 1;
    insert into private.health_samples (kind, at, value, names)
    values (v_figure.kind, v_now, v_figure.value, v_figure.names)
    on conflict (kind, at) do nothing;
    if v_figure.is_bad then
      v_result := jsonb_set(v_result, '{bad}', v_result -> 'bad' || to_jsonb(v_figure.kind));
    end if;
    v_alert := private.alert_health(v_figure.kind, v_figure.value, v_figure.most);
    v_result := jsonb_set(v_result, '{outgoing}', v_result -> 'outgoing' || (v_alert -> 'outgoing'));
    if v_alert ->> 'outcome' = 'alerted' then
      v_result := jsonb_set(v_result, '{alerts}', v_result -> 'alerts' || to_jsonb(v_figure.kind));
    elsif v_alert ->> 'outcome' = 'resolved' then
      v_result := jsonb_set(v_result, '{resolved}', v_result -> 'resolved' || to_jsonb(v_figure.kind));
    end if;
  end loop;
  return v_result || jsonb_build_object('figures', v_figures);
end
$$;

revoke all on function public.record_health from public, anon, authenticated, service_role;
grant execute on function public.record_health to bot_backend;
comment on function public.record_health is 'Measures this database''s health, keeps the figures and alerts the admins';
