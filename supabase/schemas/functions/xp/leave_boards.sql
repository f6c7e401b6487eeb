-- Takes a user off all boards for good, before an erasure deletes the user.
--
-- Concurrency: the caller has locked the user exclusively, so no award adds a score.
-- Locks: the user's rows of board_scores.
-- Returns: void
-- Errors: none.
create or replace function private.leave_boards(p_user_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with gone as (
    delete from public.board_scores as s where s.user_id = p_user_id
    returning s.board, s.period, s.starts_on, s.xp, s.is_ranked
  )
  insert into public.board_changes (board, period, starts_on, old_xp, new_xp)
  select g.board, g.period, g.starts_on, g.xp, 0 from gone as g where g.is_ranked and g.xp > 0;
$$;

revoke all on function private.leave_boards from public, anon, authenticated, service_role;
comment on function private.leave_boards is 'Takes a user off all boards for good';
