-- Returns the board of a day's challenge, and the user's place on it. The same score is the same rank; within it, who was
-- first. Hidden users count and have a rank, but are left out; banned users and admins have none.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   day: date
--   total: int
--   entries: [ { rank: int, name: text | null, number: int, score: int, right_answers: int, is_me: boolean } ]
--                          (at most p_limit; name: null unless the user chose one; number: tells those without apart)
--   rank: int | null       (null: not on the board)
--   score: int | null
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
  v_entries jsonb;
  v_score integer;
  v_rank bigint;
  v_total bigint;
begin
  select count(*) into v_total
    from public.quiz_runs as r
    join public.users as u on u.id = r.user_id
   where r.bot = p_bot and r.day = v_day and r.score is not null and u.banned_at is null and not u.is_admin;
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'rank', b.rank, 'name', b.name, 'number', private.board_number(b.user_id), 'score', b.score,
          'right_answers', b.right_answers, 'is_me', b.user_id = p_user_id
        )
        order by b.rank, b.finished_at, b.user_id
      ),
      '[]'::jsonb
    )
    into v_entries
    from (
      select s.*
        from (
          select r.user_id, r.score, r.right_answers, r.finished_at, n.name, coalesce(n.is_hidden, false) as is_hidden,
                 rank() over (order by r.score desc) as rank
            from public.quiz_runs as r
            join public.users as u on u.id = r.user_id
            left join public.board_profiles as n on n.user_id = r.user_id
           where r.bot = p_bot and r.day = v_day and r.score is not null and u.banned_at is null and not u.is_admin
        ) as s
       where not s.is_hidden
       order by s.score desc, s.finished_at, s.user_id
       limit p_limit
    ) as b;
  select r.score into v_score
    from public.quiz_runs as r
    join public.users as u on u.id = r.user_id
   where r.user_id = p_user_id and r.bot = p_bot and r.day = v_day and r.kind = 'daily'
     and u.banned_at is null and not u.is_admin;
  if v_score is not null then
    select count(*) + 1 into v_rank
      from public.quiz_runs as r
      join public.users as u on u.id = r.user_id
     where r.bot = p_bot and r.day = v_day and r.score > v_score and u.banned_at is null and not u.is_admin;
  end if;
  return jsonb_build_object('day', v_day, 'total', v_total, 'entries', v_entries, 'rank', v_rank, 'score', v_score);
end
$$;

revoke all on function public.get_quiz_board from public, anon, authenticated, service_role;
grant execute on function public.get_quiz_board to bot_backend;
comment on function public.get_quiz_board is 'The board of a day''s challenge';
