-- Switches the daily report of an admin on, at an hour of the time zone of the setting quota_timezone, or off (null). The first report
-- comes at the next such hour.
--
-- Concurrency: a repeated call changes nothing.
-- Locks: the user's row of analytics_reports.
-- Returns: jsonb
--   hour: int | null
-- Errors: N0009 the role does not allow it; N0004 there is no such hour.
create or replace function public.set_analytics_report(p_actor_id bigint, p_hour integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamp := private.clock() at time zone private.setting('quota_timezone');
begin
  perform private.require_staff(p_actor_id, 'admin');
  if p_hour not between 0 and 23 then
    raise exception 'the hour must be between 0 and 23' using errcode = 'N0004';
  elsif p_hour is null then
    delete from public.analytics_reports as r where r.user_id = p_actor_id;
  else
    insert into public.analytics_reports as r (user_id, hour, sent_on)
    values (p_actor_id, p_hour, case when extract(hour from v_now) >= p_hour then v_now::date end)
    on conflict (user_id) do update
      set hour = excluded.hour, sent_on = coalesce(greatest(r.sent_on, excluded.sent_on), r.sent_on);
  end if;
  return jsonb_build_object('hour', p_hour);
end
$$;

revoke all on function public.set_analytics_report from public, anon, authenticated, service_role;
grant execute on function public.set_analytics_report to bot_backend;
comment on function public.set_analytics_report is 'Switches the daily report of an admin on or off';
