-- Drops one partition of api_usage with all its rows; the counters keep their sums.
--
-- Concurrency: a second run finds it gone. Writers wait for a moment; a table that is in use for longer is left to
--   the next run.
-- Locks: the partition and api_usage (ACCESS EXCLUSIVE), waiting 200 ms at most.
-- Returns: boolean, whether it dropped the partition.
-- Errors: none.
create or replace function private.drop_usage_partition(p_name text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set lock_timeout = '200ms'
as $$
begin
  execute format('drop table if exists public.%I', p_name);
  return true;
exception when lock_not_available or deadlock_detected then
  return false;
end
$$;

revoke all on function private.drop_usage_partition from public, anon, authenticated, service_role;
comment on function private.drop_usage_partition is 'Drops one partition of api_usage';
