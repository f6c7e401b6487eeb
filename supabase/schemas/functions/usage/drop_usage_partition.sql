-- Drops one partition of api_usage with all its rows; what they add up to stays in the counters.
--
-- Twice or at once: a second run finds it gone. Whoever writes waits for a moment; when the table is in use
--   for longer, it is put off to the next run.
-- Returns: whether it dropped it.
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
