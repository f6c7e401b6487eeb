-- Alerts the admins about models in use that end: once for each number of days of the setting model_warning_days, and once when
-- a model is gone. A model that is back can be alerted about again, and so can one whose last day was moved.
--
-- p_models: [{provider, model, uses, is_listed, shutdown_on}]. uses: what the model is used for, as text. is_listed: whether the
-- provider lists it; null: unknown. shutdown_on: as the provider says; the catalogue's day counts too, the earlier one.
--
-- Concurrency: of two calls at once the second finds the first one's rows and sends no alert.
-- Locks: rows of model_alerts, in the order of provider and model.
-- Returns: jsonb
--   alerts: int
--   outgoing: outgoing            (to deliver now)
-- Errors: none.
create or replace function public.alert_ending_models(p_models jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone 'UTC')::date;
  v_warnings jsonb := coalesce(private.setting('model_warning_days')::jsonb, '[]'::jsonb);
  v_model record;
  v_days integer;
  v_alerts integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_model in
    select g.provider, g.model, g.uses, g.is_listed, least(g.shutdown_on, m.shutdown_on) as shutdown_on
      from jsonb_to_recordset(p_models) as g (provider text, model text, uses text, is_listed boolean, shutdown_on date)
      left join public.ai_models as m on m.provider = g.provider and m.model = g.model
     order by g.provider, g.model
  loop
    if v_model.is_listed is not distinct from false or v_model.shutdown_on <= v_today then
      v_days := 0;
    else
      v_days := (
        select min(w.value::integer)
          from jsonb_array_elements_text(v_warnings) as w
         where w.value::integer > 0 and v_model.shutdown_on - v_today <= w.value::integer
      );
      if v_model.is_listed then
        delete from private.model_alerts as a
         where a.provider = v_model.provider and a.model = v_model.model and a.days = 0;
      end if;
    end if;
    continue when v_days is null;
    insert into private.model_alerts as a (provider, model, days, shutdown_on)
    values (v_model.provider, v_model.model, v_days, v_model.shutdown_on)
    on conflict (provider, model, days) do update
      set shutdown_on = excluded.shutdown_on
      where v_days > 0 and a.shutdown_on is distinct from excluded.shutdown_on;
    continue when not found;
    v_alerts := v_alerts + 1;
    v_outgoing := v_outgoing || private.notify_admins(
      case when v_days = 0 then 'admin_alert_model_gone' else 'admin_alert_model_ends' end,
      jsonb_build_object(
        'model', v_model.model,
        'provider', v_model.provider,
        'uses', v_model.uses,
        'days', v_model.shutdown_on - v_today,
        'date', jsonb_build_object('date', (v_model.shutdown_on + time '12:00') at time zone 'UTC')
      )
    );
  end loop;
  return jsonb_build_object('alerts', v_alerts, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.alert_ending_models from public, anon, authenticated, service_role;
grant execute on function public.alert_ending_models to bot_backend;
comment on function public.alert_ending_models is 'Alerts the admins about models in use that end';
