-- The only place that reads the time, so that a test can move it (only its owner can replace it).
--
-- Twice or at once: reads nothing and changes nothing.
-- Returns: the present moment, also inside one long statement.
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
comment on function private.clock is 'The present moment; replaced by tests that move the time';
