-- Returns the day of the month on which a period that begins at p_from ends. This is the anchor day of the previous period
-- (p_known) if p_from falls on that day, or on the last day of a shorter month: a month from 31 January ends in February, the
-- next one on 31 March. Otherwise reversed or granted time has moved the start, and the day of p_from is the new anchor.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: smallint, the day of the month.
-- Errors: none.
create or replace function private.anchor_day(p_from timestamptz, p_known smallint)
returns smallint
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_local timestamp := p_from at time zone private.setting('quota_timezone');
  v_last_day integer := extract(day from date_trunc('month', v_local) + interval '1 month' - interval '1 day');
  v_day smallint := extract(day from v_local);
begin
  return case when least(p_known, v_last_day) = v_day and p_known is not null then p_known else v_day end;
end
$$;

revoke all on function private.anchor_day from public, anon, authenticated, service_role;
comment on function private.anchor_day is 'Returns the day of the month on which a period ends';
