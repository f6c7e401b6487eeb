-- Adds up to p_limit committed changes of boards to board_histogram and deletes them. Every fiftieth award does so, and the
-- sweep.
--
-- Concurrency: an advisory lock that is only tried lets one transaction at a time fold; no one waits for it. A reader sees a
--   change either in board_changes or in board_histogram, because both are written in one statement.
-- Locks: advisory lock of the boards (tried), board_changes, board_histogram.
-- Returns: integer, how many changes; 0 while another transaction folds.
-- Errors: none.
create or replace function private.fold_board_changes(p_limit integer default 5000)
returns integer
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('board_changes', 0)) then
    return 0;
  end if;
  with gone as (
    delete from public.board_changes as c
     where c.id in (select o.id from public.board_changes as o order by o.id limit p_limit)
    returning c.*
  ), sums as (
    select g.board, g.period, g.starts_on, l.lvl, x.xp >> (6 * l.lvl) as k, sum(x.count) as n
      from gone as g
     cross join lateral (values (g.old_xp, -1), (g.new_xp, 1)) as x (xp, count)
     cross join generate_series(0, 3) as l (lvl)
     where x.xp > 0
     group by g.board, g.period, g.starts_on, l.lvl, x.xp >> (6 * l.lvl)
    having sum(x.count) <> 0
  ), stored as (
    insert into public.board_histogram as h (board, period, starts_on, lvl, k, n)
    select s.board, s.period, s.starts_on, s.lvl, s.k, s.n from sums as s
    on conflict (board, period, starts_on, lvl, k) do update set n = h.n + excluded.n
  )
  select count(*) into v_count from gone;
  return v_count;
end
$$;

revoke all on function private.fold_board_changes from public, anon, authenticated, service_role;
comment on function private.fold_board_changes is 'Adds changes of boards to board_histogram';
