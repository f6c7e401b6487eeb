-- Sums the revenue of a finished day again.
--
-- Concurrency: the marks are deleted before the ledger is read, so a change that is committed in between stays marked.
-- Locks: rows of private.revenue_changes and daily_revenue of the day.
-- Returns: void
-- Errors: none.
create or replace function private.record_revenue(p_day date)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from private.revenue_changes as c where c.day = p_day;
  delete from public.daily_revenue as r where r.day = p_day;
  insert into public.daily_revenue select l.* from private.ledger_revenue(p_day, p_day) as l;
end
$$;

revoke all on function private.record_revenue from public, anon, authenticated, service_role;
comment on function private.record_revenue is 'Sums the revenue of a finished day again';
