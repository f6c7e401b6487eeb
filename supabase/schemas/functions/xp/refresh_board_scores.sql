-- Takes a user off the boards or puts them back, after a ban, an unban, a change of the admins, or of what the user hides.
--
-- Concurrency: derives the state from the current rows, so a repetition changes nothing. The caller holds the user's row, as
--   awards do.
-- Locks: the user's rows of board_scores.
-- Returns: void
-- Errors: none.
create or replace function private.refresh_board_scores(p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_ranked boolean;
  v_is_listed boolean;
begin
  select u.banned_at is null and not u.is_admin, u.banned_at is null and not u.is_admin and not coalesce(p.is_hidden, false)
    into v_is_ranked, v_is_listed
    from public.users as u
    left join public.board_profiles as p on p.user_id = u.id
   where u.id = p_user_id;
  insert into public.board_changes (board, period, starts_on, old_xp, new_xp)
  select s.board, s.period, s.starts_on, case when s.is_ranked then s.xp else 0 end, case when v_is_ranked then s.xp else 0 end
    from public.board_scores as s
   where s.user_id = p_user_id and s.is_ranked <> v_is_ranked and s.xp > 0;
  update public.board_scores as s
     set is_ranked = v_is_ranked, is_listed = v_is_listed
   where s.user_id = p_user_id and (s.is_ranked <> v_is_ranked or s.is_listed <> v_is_listed);
end
$$;

revoke all on function private.refresh_board_scores from public, anon, authenticated, service_role;
comment on function private.refresh_board_scores is 'Takes a user off the boards or puts them back';
