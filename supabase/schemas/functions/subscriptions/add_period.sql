-- Adds a calendar month or year in the time zone quota_timezone, at the same wall-clock time. The result falls on day
-- p_anchor_day of the month, or on its last day if the month is shorter.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: timestamptz, the end of the period.
-- Errors: none.
create or replace function private.add_period(p_from timestamptz, p_period text, p_anchor_day integer)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_timezone text := private.setting('quota_timezone');
  v_local timestamp := p_from at time zone v_timezone;
  v_month timestamp := date_trunc('month', v_local)
    + case p_period when 'year' then interval '1 year' else interval '1 month' end;
  v_last_day integer := extract(day from v_month + interval '1 month' - interval '1 day');
begin
  return (
    v_month
    + make_interval(days => least(p_anchor_day, v_last_day) - 1)
    + (v_local - date_trunc('day', v_local))
  ) at time zone v_timezone;
end
$$;

revoke all on function private.add_period from public, anon, authenticated, service_role;
comment on function private.add_period is 'Adds a calendar month or year';
