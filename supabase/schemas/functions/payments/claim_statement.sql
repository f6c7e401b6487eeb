-- Leases one day of a provider's statement to one worker (p_providers: a list of keys). Days that were never read come first,
-- the oldest first. A day is read two hours after its end (UTC), and again 1, 3, 7, 14 and 28 days after it, because refunds
-- fail and disputes are decided later. Nothing older than 30 days is read.
--
-- Concurrency: days that another transaction has locked or leased are skipped. The lease lasts two minutes and each stored page
--   renews it (public.save_statement_page). An interrupted walk continues after the last page that was stored.
-- Locks: one statement day (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   {
--     provider: text, day: date, since: timestamptz, until: timestamptz, cursor: text,
--     is_late: boolean                        (the day has been due for two days)
--   } | null               (nothing is due)
-- Errors: none.
create or replace function public.claim_statement(p_providers jsonb)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_last date := ((v_now - interval '2 hours') at time zone 'UTC')::date - 1;
  v_day public.statement_days;
begin
  insert into public.statement_days (provider, day)
  select p.provider, v_last - n.days
    from jsonb_array_elements_text(p_providers) as p (provider)
    cross join generate_series(0, 28) as n (days)
   where not exists ( -- all days of a provider are inserted together, once a day
     select from public.statement_days as d where d.provider = p.provider and d.day = v_last
   )
  on conflict (provider, day) do nothing;
  select d.* into v_day
    from public.statement_days as d
   where p_providers ? d.provider
     and d.day between v_last - 28 and v_last
     and (d.read_at is null or d.next_read_at <= v_now)
     and coalesce(d.lease_until, '-infinity') <= v_now
   order by d.read_at is not null, d.day, d.provider
   limit 1
     for update skip locked;
  if not found then
    return null;
  end if;
  update public.statement_days as d
     set lease_until = v_now + interval '2 minutes',
         started_at = case when d.cursor = '' then v_now else d.started_at end
   where d.provider = v_day.provider and d.day = v_day.day;
  return jsonb_build_object(
    'provider', v_day.provider,
    'day', v_day.day,
    'since', v_day.day::timestamp at time zone 'UTC',
    'until', (v_day.day + 1)::timestamp at time zone 'UTC',
    'cursor', v_day.cursor,
    'is_late', v_day.read_at is null and v_now > (v_day.day + 3)::timestamp at time zone 'UTC'
  );
end
$$;

revoke all on function public.claim_statement from public, anon, authenticated, service_role;
grant execute on function public.claim_statement to bot_backend;
comment on function public.claim_statement is 'Leases one day of a provider''s statement to one worker';
