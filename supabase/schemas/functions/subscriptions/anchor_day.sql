-- Says on which day of the month a period that begins at a moment ends: on the day on which the one before began, as long
-- as its own end still tells of it (time that was taken back or given in between moved it elsewhere).
--
-- Twice or at once: computes only.
-- Returns: p_known where the moment is its day, or the last of a month that is shorter; else the moment's own day.
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
comment on function private.anchor_day is 'On which day of the month a period that begins at a moment ends';
