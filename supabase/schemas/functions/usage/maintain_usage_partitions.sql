-- Keeps a partition of api_usage for this month, the two after it and every month that has rows in the default
-- one, and drops those past the setting retention_usage_months.
--
-- Twice or at once: the second of two does nothing. Those who write: see private.create_usage_partition.
-- Returns: how many partitions were made or dropped.
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
  -- Two at once would hold what the other wants; the one that comes second has nothing to do anyway.
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
comment on function private.maintain_usage_partitions is 'Makes the months of api_usage ahead and drops the old ones';
