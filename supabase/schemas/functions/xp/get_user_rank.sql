-- Returns a user's place on a board (see public.get_leaderboard), with up to two listed users above and two below. A hidden
-- user has a rank that only this function tells.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   rank: bigint | null        (null: no XP there, banned, an admin, or unknown)
--   xp: bigint
--   total: bigint              (users with a rank)
--   is_hidden: boolean
--   above: private.board_entries   (the best first)
--   below: private.board_entries
-- Errors: Z0002, no such period.
create or replace function public.get_user_rank(
  p_telegram_id bigint, p_board text default '', p_period text default 'all'
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_starts_on constant date := private.period_start(p_period, private.clock());
  v_score public.board_scores;
  v_result jsonb;
  v_above bigint[];
  v_below bigint[];
  v_count integer;
  v_entries jsonb;
begin
  select s.* into v_score
    from public.users as u
    join public.board_scores as s
      on s.user_id = u.id and s.board = p_board and s.period = p_period and s.starts_on = v_starts_on
   where u.telegram_id = p_telegram_id;
  v_result := jsonb_build_object(
    'rank', null,
    'xp', coalesce(v_score.xp, 0),
    'total', private.board_total(p_board, p_period, v_starts_on),
    'is_hidden', exists (
      select
        from public.board_profiles as p
        join public.users as u on u.id = p.user_id
       where u.telegram_id = p_telegram_id and p.is_hidden
    ),
    'above', '[]'::jsonb,
    'below', '[]'::jsonb
  );
  if coalesce(v_score.xp, 0) = 0 or not v_score.is_ranked then
    return v_result;
  end if;
  v_above := array(
    select s.user_id
      from public.board_scores as s
     where s.board = p_board
       and s.period = p_period
       and s.starts_on = v_starts_on
       and s.is_listed
       and s.xp > 0
       and (-s.xp, s.reached_at, s.user_id) < (-v_score.xp, v_score.reached_at, v_score.user_id)
     order by -s.xp desc, s.reached_at desc, s.user_id desc
     limit 2
  );
  v_below := array(
    select s.user_id
      from public.board_scores as s
     where s.board = p_board
       and s.period = p_period
       and s.starts_on = v_starts_on
       and s.is_listed
       and s.xp > 0
       and (-s.xp, s.reached_at, s.user_id) > (-v_score.xp, v_score.reached_at, v_score.user_id)
     order by -s.xp, s.reached_at, s.user_id
     limit 2
  );
  v_count := cardinality(v_above);
  v_entries := private.board_entries(
    p_board, p_period, v_starts_on,
    array(select a.id from unnest(v_above) with ordinality as a (id, position) order by a.position desc)
      || v_score.user_id || v_below
  );
  return v_result || jsonb_build_object(
    'rank', v_entries #> array[v_count::text, 'rank'],
    'above', (
      select coalesce(jsonb_agg(e.value order by e.position), '[]')
        from jsonb_array_elements(v_entries) with ordinality as e (value, position)
       where e.position <= v_count
    ),
    'below', (
      select coalesce(jsonb_agg(e.value order by e.position), '[]')
        from jsonb_array_elements(v_entries) with ordinality as e (value, position)
       where e.position > v_count + 1
    )
  );
end
$$;

revoke all on function public.get_user_rank from public, anon, authenticated, service_role;
grant execute on function public.get_user_rank to bot_backend, service_role;
comment on function public.get_user_rank is 'Returns a user''s place on a board';
