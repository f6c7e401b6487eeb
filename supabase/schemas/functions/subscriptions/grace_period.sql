-- Returns how long a plan with a running renewal continues after its end while the charge is late (setting grace_days). It is
-- at most 27 days, less than any month, so that a late charge, which continues from the old end, always ends in the future.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: interval
-- Errors: none.
create or replace function private.grace_period()
returns interval
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select make_interval(days => greatest(0, least(27, private.setting('grace_days')::integer)));
$$;

revoke all on function private.grace_period from public, anon, authenticated, service_role;
comment on function private.grace_period is 'Returns how long a plan continues while its renewal is late';
