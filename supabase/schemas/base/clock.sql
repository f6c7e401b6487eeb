-- Returns the current time. The only function that reads the clock, so that tests can replace it (which only its owner can do).
--
-- Concurrency: reads and changes no data.
-- Locks: none.
-- Returns: timestamptz, the wall-clock time, which also advances within a statement.
-- Errors: none.
create or replace function private.clock()
returns timestamptz
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select clock_timestamp();
$$;

revoke all on function private.clock from public, anon, authenticated, service_role;
comment on function private.clock is 'The current time; tests replace it to move time';
