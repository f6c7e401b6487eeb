-- Checks that a user may see figures of a period, which includes both days.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text, what the figures are grouped by: day up to 62 days, week up to 186, otherwise month.
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function private.check_period(p_actor_id bigint, p_from date, p_until date)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_staff(p_actor_id, 'admin');
  if coalesce(p_until - p_from, -1) not between 0 and 731 then
    raise exception 'the period must have 1 to 732 days' using errcode = 'N0004';
  end if;
  return case when p_until - p_from < 62 then 'day' when p_until - p_from < 186 then 'week' else 'month' end;
end
$$;

revoke all on function private.check_period from public, anon, authenticated, service_role;
comment on function private.check_period is 'Checks that a user may see figures of a period';
