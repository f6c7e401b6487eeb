-- Returns whether repeating the transaction may avoid an error: SQLSTATE classes 40 (serialization failure, deadlock), 53
-- (insufficient resources), 55 (lock not available) and 57 (operator intervention). An exception handler for others re-raises
-- these, so that the caller repeats the whole transaction.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_retryable(p_sqlstate text)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select left(p_sqlstate, 2) in ('40', '53', '55', '57');
$$;

revoke all on function private.is_retryable from public, anon, authenticated, service_role;
comment on function private.is_retryable is 'Whether repeating the transaction may avoid an error';
