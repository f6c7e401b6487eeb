-- Sums the subscription events of a finished day again.
--
-- Concurrency: the caller holds the lock of public.record_analytics.
-- Locks: rows of daily_subscriptions of the day.
-- Returns: void
-- Errors: none.
create or replace function private.record_subscriptions(p_day date)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.daily_subscriptions as d where d.day = p_day;
  insert into public.daily_subscriptions select l.* from private.ledger_subscriptions(p_day) as l;
end
$$;

revoke all on function private.record_subscriptions from public, anon, authenticated, service_role;
comment on function private.record_subscriptions is 'Sums the subscription events of a finished day again';
