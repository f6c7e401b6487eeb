-- Moves a user on the boards of all bots and of one bot by the points of an award: all time, and with p_has_periods the day
-- and the week. Nothing goes below zero.
--
-- Concurrency: the caller holds the user's row, so the user's scores do not change meanwhile. Rows that users share are only
--   added (board_changes), so awards of different users do not wait for each other.
-- Locks: the user's rows of board_scores.
-- Returns: void
-- Errors: none.
create or replace function private.move_on_boards(
  p_user_id bigint, p_bot text, p_points integer, p_has_periods boolean, p_now timestamptz
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today constant date := (p_now at time zone private.setting('quota_timezone'))::date;
  v_monday constant date := date_trunc('week', v_today::timestamp)::date;
  v_is_ranked boolean;
  v_is_listed boolean;
begin
  select u.banned_at is null and not u.is_admin, u.banned_at is null and not u.is_admin and not coalesce(p.is_hidden, false)
    into v_is_ranked, v_is_listed
    from public.users as u
    left join public.board_profiles as p on p.user_id = u.id
   where u.id = p_user_id;
  with moved as (
    select b.board, t.period, t.starts_on, coalesce(s.xp, 0) as old_xp, greatest(coalesce(s.xp, 0) + p_points, 0) as new_xp
      from (select '' as board union select p_bot) as b
     cross join (values ('all', date 'epoch'), ('day', v_today), ('week', v_monday)) as t (period, starts_on)
      left join public.board_scores as s
        on s.user_id = p_user_id and s.board = b.board and s.period = t.period and s.starts_on = t.starts_on
     where p_has_periods or t.period = 'all'
  ), stored as (
    insert into public.board_scores as s (user_id, board, period, starts_on, xp, reached_at, is_ranked, is_listed)
    select p_user_id, m.board, m.period, m.starts_on, m.new_xp, p_now, v_is_ranked, v_is_listed from moved as m
    on conflict (user_id, board, period, starts_on) do update
      set xp = excluded.xp, reached_at = excluded.reached_at, is_ranked = excluded.is_ranked, is_listed = excluded.is_listed
  )
  insert into public.board_changes (board, period, starts_on, old_xp, new_xp)
  select m.board, m.period, m.starts_on, m.old_xp, m.new_xp
    from moved as m
   where v_is_ranked and m.old_xp <> m.new_xp;
end
$$;

revoke all on function private.move_on_boards from public, anon, authenticated, service_role;
comment on function private.move_on_boards is 'Moves a user on the boards by the points of an award';
