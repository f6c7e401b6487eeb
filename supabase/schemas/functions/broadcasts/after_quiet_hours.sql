-- Moves a moment out of the quiet hours of a time zone: to their end, or not at all. Hours are those of the clock there, so a
-- change to or from summer time needs nothing else.
--
-- Concurrency: reads and changes no data.
-- Locks: none.
-- Returns: timestamptz
-- Errors: none.
create or replace function private.after_quiet_hours(p_at timestamptz, p_zone text, p_from integer, p_until integer)
returns timestamptz
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_from < p_until and l.hour >= p_from and l.hour < p_until
      then (l.day + make_interval(hours => p_until)) at time zone p_zone
    when p_from > p_until and l.hour >= p_from
      then (l.day + interval '1 day' + make_interval(hours => p_until)) at time zone p_zone
    when p_from > p_until and l.hour < p_until
      then (l.day + make_interval(hours => p_until)) at time zone p_zone
    else p_at
  end
  from (
    select date_trunc('day', p_at at time zone p_zone) as day,
           extract(hour from p_at at time zone p_zone)::integer as hour
  ) as l;
$$;

revoke all on function private.after_quiet_hours from public, anon, authenticated, service_role;
comment on function private.after_quiet_hours is 'Moves a moment out of the quiet hours of a time zone';
