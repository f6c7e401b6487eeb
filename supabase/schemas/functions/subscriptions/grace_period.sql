-- Tells how long a plan that renews stays after its end while the charge is late: shorter than any month, so that the
-- late charge, which continues from the old end, always ends later than now.
--
-- Twice or at once: only reads.
-- Returns: the interval.
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
comment on function private.grace_period is 'How long a plan stays after its end while its renewal is late';
