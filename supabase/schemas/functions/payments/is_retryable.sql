-- Tells whether an error may not come again when the transaction is repeated: serialization failures and deadlocks (40),
-- insufficient resources (53), locks that were not available in time (55), operator intervention (57).
--
-- Twice or at once: computes only.
-- Returns: true for a retryable class. An exception handler for `others` re-raises these, so that the whole transaction
--   is repeated.
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
comment on function private.is_retryable is 'Whether an error may not come again when the transaction is repeated';
