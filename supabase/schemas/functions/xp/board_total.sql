-- Counts the users who have a place on a board, hidden ones included.
--
-- Concurrency: read-only; exact within one snapshot, so its callers are stable functions.
-- Locks: none.
-- Returns: bigint
-- Errors: none.
create or replace function private.board_total(p_board text, p_period text, p_starts_on date)
returns bigint
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select private.board_rank(p_board, p_period, p_starts_on, 0) - 1;
$$;

revoke all on function private.board_total from public, anon, authenticated, service_role;
comment on function private.board_total is 'Counts the users who have a place on a board';
