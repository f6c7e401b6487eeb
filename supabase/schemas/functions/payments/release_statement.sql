-- Postpones a day of a provider's statement whose reading failed: by half an hour per consecutive failure, at most six hours.
--
-- Concurrency: every call counts a failure and extends lease_until; stored pages are kept.
-- Locks: statement day.
-- Returns: void
-- Errors: none.
create or replace function public.release_statement(p_provider text, p_day date)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.statement_days as d
     set failures = d.failures + 1,
         lease_until = private.clock() + interval '30 minutes' * least(d.failures + 1, 12)
   where d.provider = p_provider and d.day = p_day;
$$;

revoke all on function public.release_statement from public, anon, authenticated, service_role;
grant execute on function public.release_statement to bot_backend;
comment on function public.release_statement is 'Postpones a day of a provider''s statement after a failure';
