-- Returns a part of a board: of one bot, or of all together (p_board ''), and of today, this week (from Monday) or all time, in
-- the time zone of the setting quota_timezone. Users with equal XP share a rank; the first to reach them comes first. Hidden
-- users count and have a rank, but are left out; banned users and admins have none.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   board: text
--   period: 'day' | 'week' | 'all'
--   starts_on: date | null     (null: all time)
--   total: bigint              (users with a rank, hidden ones included)
--   entries: private.board_entries
-- Errors: Z0002, no such period.
create or replace function public.get_leaderboard(
  p_limit integer default 10, p_offset integer default 0, p_board text default '', p_period text default 'all'
)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_starts_on constant date := private.period_start(p_period, private.clock());
begin
  return jsonb_build_object(
    'board', p_board,
    'period', p_period,
    'starts_on', nullif(v_starts_on, date 'epoch'),
    'total', private.board_total(p_board, p_period, v_starts_on),
    'entries', private.board_entries(
      p_board, p_period, v_starts_on, array(
        select s.user_id
          from public.board_scores as s
         where s.board = p_board
           and s.period = p_period
           and s.starts_on = v_starts_on
           and s.is_listed
           and s.xp > 0
         order by -s.xp, s.reached_at, s.user_id
         limit least(greatest(p_limit, 0), 100)
        offset least(greatest(p_offset, 0), 10000)
      )
    )
  );
end
$$;

revoke all on function public.get_leaderboard from public, anon, authenticated, service_role;
grant execute on function public.get_leaderboard to bot_backend, service_role;
comment on function public.get_leaderboard is 'Returns a part of a board';
