-- Puts a user on the board of a day's challenge. The boards of challenges are those of XP, with the period 'challenge', so bans,
-- hiding, erasure, ranks and the sweep are the same. A challenge without points has no place.
--
-- Concurrency: the caller holds the user's row and calls once per challenge; a repetition changes nothing.
-- Locks: the user's row of board_scores.
-- Returns: void
-- Errors: none.
create or replace function private.place_on_quiz_board(p_user_id bigint, p_bot text, p_day date, p_score bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_is_ranked boolean;
begin
  if p_score = 0 then
    return;
  end if;
  insert into public.board_scores (user_id, board, period, starts_on, xp, reached_at, is_ranked, is_listed)
  select u.id, p_bot, 'challenge', p_day, p_score, private.clock(), r.is_ranked, r.is_ranked and not coalesce(p.is_hidden, false)
    from public.users as u
    left join public.board_profiles as p on p.user_id = u.id
   cross join lateral (select u.banned_at is null and not u.is_admin as is_ranked) as r
   where u.id = p_user_id
  on conflict (user_id, board, period, starts_on) do nothing
  returning is_ranked into v_is_ranked;
  if v_is_ranked then
    insert into public.board_changes (board, period, starts_on, old_xp, new_xp)
    values (p_bot, 'challenge', p_day, 0, p_score);
  end if;
end
$$;

revoke all on function private.place_on_quiz_board from public, anon, authenticated, service_role;
comment on function private.place_on_quiz_board is 'Puts a user on the board of a day''s challenge';
