-- Returns the next moment at which it is a full hour in a time zone. An hour that the change to summer time skips is the one
-- after it; one that occurs twice is the second.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: timestamptz
-- Errors: none.
create or replace function private.next_local_hour(p_hour integer, p_time_zone text, p_after timestamptz)
returns timestamptz
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day constant timestamp := date_trunc('day', p_after at time zone p_time_zone);
  v_next timestamptz;
begin
  for v_days in 0 .. 2 loop
    v_next := (v_day + make_interval(days => v_days, hours => p_hour)) at time zone p_time_zone;
    exit when v_next > p_after;
  end loop;
  return v_next;
end
$$;

revoke all on function private.next_local_hour from public, anon, authenticated, service_role;
comment on function private.next_local_hour is 'The next moment at which it is a full hour in a time zone';
