-- Alerts the admins about one figure of the database's health: when it is bad, at most once in health_alert_hours; and once when
-- it is good again. A figure that turns bad again meanwhile is left to a later run. The messages name the database, the kind and
-- numbers.
--
-- Concurrency: of two calls at once the second waits for the first one's row and sends nothing.
-- Locks: the row of health_alerts.
-- Returns: jsonb
--   outcome: 'alerted' | 'resolved' | 'unchanged'
--   outgoing: outgoing            (to deliver now)
-- Errors: none.
create or replace function private.alert_health(p_kind text, p_value numeric, p_most numeric)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_is_bad boolean := coalesce(p_value >= p_most, false);
begin
  if p_most is null then
    delete from private.health_alerts as a where a.kind = p_kind;
    return jsonb_build_object('outcome', 'unchanged', 'outgoing', '[]'::jsonb);
  elsif v_is_bad then
    insert into private.health_alerts as a (kind, alerted_at) values (p_kind, v_now)
    on conflict (kind) do update
      set alerted_at = excluded.alerted_at, resolved_at = null
      where a.alerted_at <= v_now - make_interval(hours => greatest(private.setting('health_alert_hours')::integer, 1));
  else
    -- A figure that is not available says nothing about the alarm.
    update private.health_alerts as a
       set resolved_at = v_now
     where a.kind = p_kind and a.resolved_at is null and p_value is not null;
  end if;
  if not found then
    return jsonb_build_object('outcome', 'unchanged', 'outgoing', '[]'::jsonb);
  end if;
  return jsonb_build_object(
    'outcome', case when v_is_bad then 'alerted' else 'resolved' end,
    'outgoing', private.notify_admins(
      case when v_is_bad then 'admin_alert_health' else 'admin_alert_health_resolved' end,
      jsonb_build_object(
        'what', jsonb_build_object('text', 'health_' || p_kind),
        'value', round(p_value),
        'most', round(p_most),
        'setting', 'health_' || p_kind,
        'environment', coalesce((select i.environment from private.database_identity as i), current_database())
      )
    )
  );
end
$$;

revoke all on function private.alert_health from public, anon, authenticated, service_role;
comment on function private.alert_health is 'Alerts the admins about one figure of the database''s health';
