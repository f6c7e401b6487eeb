-- Creates the partition of api_usage for one month (UTC), and moves the month's rows out of the default partition.
--
-- Concurrency: the name is that of the month, so an existing partition is left alone; of two runs at once one waits
--   for the table and then finds it. A future month locks the default partition only, and writers go on; a month that
--   has begun locks the whole table for a moment, because a row on its way into the default partition would be
--   rejected there.
-- Locks: api_usage_default, or api_usage for a month that has begun (ACCESS EXCLUSIVE), waiting 200 ms at most.
-- Returns: boolean, whether it created the partition; false also when the table was in use for longer: the next run
--   tries again.
-- Errors: none.
create or replace function private.create_usage_partition(p_month timestamptz)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
set lock_timeout = '200ms'
as $$
declare
  v_name text := 'api_usage_' || to_char(p_month, 'YYYY_MM');
  v_until timestamptz := p_month + interval '1 month';
begin
  if to_regclass('public.' || v_name) is not null then
    return false;
  end if;
  if p_month <= private.clock() then
    lock table public.api_usage in access exclusive mode;
  else
    lock table public.api_usage_default in access exclusive mode;
  end if;
  if to_regclass('public.' || v_name) is not null then
    return false;
  end if;
  execute format(
    'create table public.%I (like public.api_usage including defaults including constraints)', v_name
  );
  execute format('alter table public.%I enable row level security', v_name);
  execute format('revoke all on table public.%I from public, anon, authenticated, service_role', v_name);
  execute format(
    'with moved as (
       delete from public.api_usage_default where created_at >= %L and created_at < %L returning *
     )
     insert into public.%I select * from moved',
    p_month, v_until, v_name
  );
  execute format(
    'alter table public.api_usage attach partition public.%I for values from (%L) to (%L)',
    v_name, p_month, v_until
  );
  return true;
exception when lock_not_available or deadlock_detected then
  return false;
end
$$;

revoke all on function private.create_usage_partition from public, anon, authenticated, service_role;
comment on function private.create_usage_partition is 'Creates the partition of api_usage for one month';
