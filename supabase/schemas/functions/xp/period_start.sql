-- Returns when a period of a board begins: the day, or the Monday of the week, in the time zone of the setting
-- quota_timezone; for all time 1970-01-01.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: date
-- Errors: Z0002, no such period.
create or replace function private.period_start(p_period text, p_now timestamptz)
returns date
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_period = 'all' then
    return date 'epoch';
  elsif p_period in ('day', 'week') then
    return date_trunc(p_period, p_now at time zone private.setting('quota_timezone'))::date;
  end if;
  raise exception 'no such period' using errcode = 'Z0002';
end
$$;

revoke all on function private.period_start from public, anon, authenticated, service_role;
comment on function private.period_start is 'Returns when a period of a board begins';
