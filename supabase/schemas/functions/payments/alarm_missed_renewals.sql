-- Alarms the admins about running renewals whose next period should have been paid, and of which nothing was heard until a
-- day after the days of grace: neither a charge nor a refusal. Nothing is charged or given here.
--
-- Twice or at once: rows that somebody holds are skipped; each period is told once (private.alarm_missed).
-- Returns: jsonb array of the outbox items to deliver now.
-- Errors: none.
create or replace function public.alarm_missed_renewals(p_limit integer default 20)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_renewal public.renewals;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_renewal in
    select r.*
      from public.renewals as r
     where r.status = 'active'
       and r.user_id is not null
       and r.charged_until < private.clock() - private.grace_period() - interval '1 day'
       and r.alarmed_period is distinct from r.charged_until
     order by r.charged_until
     limit p_limit
       for update skip locked
  loop
    v_outgoing := v_outgoing || private.alarm_missed(v_renewal);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.alarm_missed_renewals from public, anon, authenticated, service_role;
grant execute on function public.alarm_missed_renewals to bot_backend;
comment on function public.alarm_missed_renewals is 'Alarms the admins about renewals whose next period was not paid';
