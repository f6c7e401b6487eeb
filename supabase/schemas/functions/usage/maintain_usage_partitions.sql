-- Creates the partitions of api_usage for this month, the next two and every month that has rows in the default
-- partition, and drops those older than the setting retention_usage_months.
--
-- Concurrency: an advisory lock lets one run work; the second does nothing, because each would wait for what the
--   other holds. Writers: see private.create_usage_partition.
-- Locks: an advisory lock, then as private.create_usage_partition and private.drop_usage_partition.
-- Returns: integer, how many partitions were created or dropped.
-- Errors: none.
create or replace function private.maintain_usage_partitions()
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
set timezone = 'UTC'
as $$
declare
  v_this_month timestamptz := date_trunc('month', private.clock());
  v_oldest timestamptz := v_this_month
    - make_interval(months => greatest(private.setting('retention_usage_months')::integer, 1));
  v_month timestamptz;
  v_name text;
  v_changed integer := 0;
begin
  -- Two runs at once would deadlock on the partitions; the second one has nothing to do.
  if not pg_try_advisory_xact_lock(hashtext('maintain_usage_partitions')) then
    return 0;
  end if;
  for v_month in
    select g.month
      from generate_series(v_this_month, v_this_month + interval '2 months', interval '1 month') as g (month)
    union
    select date_trunc('month', d.created_at) from public.api_usage_default as d
  loop
    v_changed := v_changed + private.create_usage_partition(v_month)::integer;
  end loop;
  for v_name in
    select c.relname
      from pg_catalog.pg_inherits as i
      join pg_catalog.pg_class as c on c.oid = i.inhrelid
     where i.inhparent = 'public.api_usage'::regclass
       and c.relname ~ '^api_usage_\d{4}_\d{2}$'
       and to_date(right(c.relname, 7), 'YYYY_MM') < v_oldest
  loop
    v_changed := v_changed + private.drop_usage_partition(v_name)::integer;
  end loop;
  return v_changed;
end
$$;

revoke all on function private.maintain_usage_partitions from public, anon, authenticated, service_role;
comment on function private.maintain_usage_partitions is 'Creates and drops partitions of api_usage';
