-- Usage months are kept by one.

-- Drops one partition of api_usage with all its rows; what they add up to stays in the counters.
--
-- Twice or at once: a second run finds it gone. Whoever writes waits for a moment; when the table is in use
--   for longer, it is put off to the next run.
-- Returns: whether it dropped it.
-- Errors: none.
create or replace function private.drop_usage_month(p_name text)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
set lock_timeout = '200ms'
as $$
begin
  execute format('drop table if exists public.%I', p_name);
  return true;
exception when lock_not_available or deadlock_detected then
  return false;
end
$$;

revoke all on function private.drop_usage_month from public, anon, authenticated;
comment on function private.drop_usage_month is 'Drops one partition of api_usage';

-- Keeps a partition of api_usage for this month, the two after it and every month that has rows in the default
-- one, and drops those past the setting retention_usage_months.
--
-- Twice or at once: the second of two does nothing. Those who write: see private.make_usage_month.
-- Returns: how many partitions were made or dropped.
-- Errors: none.
create or replace function private.keep_usage_months()
returns integer
language plpgsql
volatile
security invoker
set search_path = ''
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
  if not pg_try_advisory_xact_lock(hashtext('keep_usage_months')) then
    return 0;
  end if;
  for v_month in
    select g.month
      from generate_series(v_this_month, v_this_month + interval '2 months', interval '1 month') as g (month)
    union
    select date_trunc('month', d.created_at) from public.api_usage_default as d
  loop
    v_changed := v_changed + private.make_usage_month(v_month)::integer;
  end loop;
  for v_name in
    select c.relname
      from pg_catalog.pg_inherits as i
      join pg_catalog.pg_class as c on c.oid = i.inhrelid
     where i.inhparent = 'public.api_usage'::regclass
       and c.relname ~ '^api_usage_\d{4}_\d{2}$'
       and to_date(right(c.relname, 7), 'YYYY_MM') < v_oldest
  loop
    v_changed := v_changed + private.drop_usage_month(v_name)::integer;
  end loop;
  return v_changed;
end
$$;

revoke all on function private.keep_usage_months from public, anon, authenticated;
comment on function private.keep_usage_months is 'Makes the months of api_usage ahead and drops the old ones';

-- Makes the partition of api_usage for one month (UTC) and moves what came before it out of the default one.
--
-- Twice or at once: its name is the month's, so what is there is left alone; of two runs one waits for the
--   default partition and finds nothing to do. A month ahead is made beside those who write; for one that has
--   begun they wait for a moment, because a row on its way into the default partition would be refused there.
-- Returns: whether it made one; false too when the table is in use for longer: the next run tries again.
-- Errors: none.
create or replace function private.make_usage_month(p_month timestamptz)
returns boolean
language plpgsql
volatile
security invoker
set search_path = ''
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

revoke all on function private.make_usage_month from public, anon, authenticated;
comment on function private.make_usage_month is 'Makes the partition of api_usage for one month';
