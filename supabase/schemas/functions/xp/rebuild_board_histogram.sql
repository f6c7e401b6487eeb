-- Counts board_histogram anew from board_scores, for example after scores were loaded in bulk. Awards wait meanwhile.
--
-- Concurrency: the tables are locked, so no award is lost or counted twice.
-- Locks: tables board_scores, board_changes and board_histogram (EXCLUSIVE): readers go on.
-- Returns: void
-- Errors: none.
create or replace function private.rebuild_board_histogram()
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  lock table public.board_scores, public.board_changes, public.board_histogram in exclusive mode;
  delete from public.board_changes;
  delete from public.board_histogram;
  insert into public.board_histogram (board, period, starts_on, lvl, k, n)
  select s.board, s.period, s.starts_on, l.lvl, s.xp >> (6 * l.lvl), count(*)
    from public.board_scores as s
   cross join generate_series(0, 3) as l (lvl)
   where s.is_ranked and s.xp > 0
   group by 1, 2, 3, 4, 5;
end
$$;

revoke all on function private.rebuild_board_histogram from public, anon, authenticated, service_role;
comment on function private.rebuild_board_histogram is 'Counts board_histogram anew from board_scores';
