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
  select coalesce(
      (
        select sum(h.n)
          from public.board_histogram as h
         where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on and h.lvl = 3
      ),
      0
    )::bigint
    + coalesce(
      (
        select sum((c.new_xp > 0)::integer - (c.old_xp > 0)::integer)
          from public.board_changes as c
         where c.board = p_board and c.period = p_period and c.starts_on = p_starts_on
      ),
      0
    );
$$;

revoke all on function private.board_total from public, anon, authenticated, service_role;
comment on function private.board_total is 'Counts the users who have a place on a board';
