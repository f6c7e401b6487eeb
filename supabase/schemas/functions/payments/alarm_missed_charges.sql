-- Alerts the admins about active renewals whose next period had neither a charge nor a refusal until one day after the grace
-- period. Charges nothing and grants nothing.
--
-- Concurrency: renewals that another transaction has locked are skipped. Each period causes one alarm
--   (private.alarm_missed_charge).
-- Locks: renewals by charged_until (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   outgoing
-- Errors: none.
create or replace function public.alarm_missed_charges(p_limit integer default 20)
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
    v_outgoing := v_outgoing || private.alarm_missed_charge(v_renewal);
  end loop;
  return v_outgoing;
end
$$;

revoke all on function public.alarm_missed_charges from public, anon, authenticated, service_role;
grant execute on function public.alarm_missed_charges to bot_backend;
comment on function public.alarm_missed_charges is 'Alerts the admins about renewals that were not charged';
