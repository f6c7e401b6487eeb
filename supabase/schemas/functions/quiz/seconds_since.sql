-- Returns how many seconds ago a moment was, in tenths; 0 if it is not past.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: double precision
-- Errors: none.
create or replace function private.seconds_since(p_moment timestamptz)
returns double precision
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return greatest(round(extract(epoch from private.clock() - p_moment), 1), 0)::double precision;
end
$$;

revoke all on function private.seconds_since from public, anon, authenticated, service_role;
comment on function private.seconds_since is 'How many seconds ago a moment was';
