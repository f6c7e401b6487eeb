-- Returns the board of a day's challenge, and the user's place on it. The same score is the same rank; within it, who was
-- first. Hidden users count and have a rank, but are left out; banned users and admins have none. Boards are kept for 14 days.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   day: date
--   total: bigint
--   entries: [ { rank: bigint, name: text | null, number: int, score: bigint, is_me: boolean } ]
--                          (at most p_limit; name: null unless the user chose one; number: tells those without apart)
--   rank: bigint | null    (null: not on the board)
--   score: bigint | null
-- Errors: none.
create or replace function public.get_quiz_board(p_user_id bigint, p_bot text, p_day date default null, p_limit integer default 10)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day constant date := coalesce(p_day, private.quiz_day());
  v_ids constant bigint[] := array(
    select s.user_id
      from public.board_scores as s
     where s.board = p_bot
       and s.period = 'challenge'
       and s.starts_on = v_day
       and s.is_listed
       and s.xp > 0
     order by -s.xp, s.reached_at, s.user_id
     limit least(greatest(p_limit, 0), 100)
  );
  v_score bigint;
begin
  select s.xp into v_score
    from public.board_scores as s
   where s.user_id = p_user_id and s.board = p_bot and s.period = 'challenge' and s.starts_on = v_day and s.is_ranked;
  return jsonb_build_object(
    'day', v_day,
    'total', private.board_total(p_bot, 'challenge', v_day),
    'entries', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'rank', e.value -> 'rank', 'name', e.value -> 'name', 'number', e.value -> 'number',
              'score', e.value -> 'xp', 'is_me', v_ids[e.position] = p_user_id
            )
            order by e.position
          ),
          '[]'::jsonb
        )
        from jsonb_array_elements(private.board_entries(p_bot, 'challenge', v_day, v_ids)) with ordinality as e (value, position)
    ),
    'rank', case when v_score is not null then private.board_rank(p_bot, 'challenge', v_day, v_score) end,
    'score', v_score
  );
end
$$;

revoke all on function public.get_quiz_board from public, anon, authenticated, service_role;
grant execute on function public.get_quiz_board to bot_backend;
comment on function public.get_quiz_board is 'The board of a day''s challenge';
