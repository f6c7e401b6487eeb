-- Deletes the scores and the histogram of days and weeks that began more than 14 days ago, after folding what waits.
--
-- Concurrency: rows that another transaction has locked are skipped. The histogram is only touched under the advisory lock of
--   private.fold_board_changes.
-- Locks: advisory lock of the boards (tried), board_scores (FOR UPDATE SKIP LOCKED), board_histogram.
-- Returns: integer, how many scores; p_limit at most.
-- Errors: none.
create or replace function private.delete_old_boards(p_limit integer)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before constant date := (private.clock() at time zone private.setting('quota_timezone'))::date - 14;
  v_count integer;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with old as (
    select o.user_id, o.board, o.period, o.starts_on
      from public.board_scores as o
     where o.period <> 'all' and o.starts_on < v_before
     order by o.starts_on
     limit p_limit
       for update skip locked
  )
  delete from public.board_scores as s using old where s.user_id = old.user_id and s.board = old.board and s.period = old.period and s.starts_on = old.starts_on;
  get diagnostics v_count = row_count;
  perform private.fold_board_changes();
  if v_count < p_limit and pg_try_advisory_xact_lock(hashtextextended('board_changes', 0)) then
    delete from public.board_histogram as h
     where (h.board, h.period, h.starts_on, h.lvl, h.k) in (
       select o.board, o.period, o.starts_on, o.lvl, o.k
         from public.board_histogram as o
        where o.period <> 'all' and o.starts_on < v_before
        order by o.starts_on
        limit p_limit
     );
  end if;
  return v_count;
end
$$;

revoke all on function private.delete_old_boards from public, anon, authenticated, service_role;
comment on function private.delete_old_boards is 'Deletes the boards of past days and weeks';
