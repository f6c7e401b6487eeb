-- Faster ranks.

drop function private.board_entry(p_score public.board_scores);

-- Returns lines of one board for users in the order of their places. Only the first rank is computed as board_rank does; each
-- further one adds how many ranked users are in between, which are few.
--
-- Concurrency: read-only; exact within one snapshot, so its callers are stable functions.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     rank: bigint,          (users with equal XP share a rank: 1, 2, 2, 4)
--     name: text | null,     (null: the user chose none; show number)
--     number: int,
--     xp: bigint,
--     level: int
--   } ]
-- Errors: none.
create or replace function private.board_entries(
  p_board text, p_period text, p_starts_on date, p_user_ids bigint[]
)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_line record;
  v_rank bigint;
  v_better_xp bigint;
  v_entries jsonb := jsonb '[]';
begin
  for v_line in
    select u.id as user_id, u.level, s.xp, p.name
      from unnest(p_user_ids) with ordinality as i (id, position)
      join public.users as u on u.id = i.id
      join public.board_scores as s
        on s.user_id = i.id and s.board = p_board and s.period = p_period and s.starts_on = p_starts_on
      left join public.board_profiles as p on p.user_id = i.id
     order by i.position
  loop
    -- A query for each gap: for all at once the planner expects so many rows that it compiles (JIT) for 10 ms.
    if v_rank is null then
      v_rank := private.board_rank(p_board, p_period, p_starts_on, v_line.xp);
    elsif v_line.xp < v_better_xp then
      v_rank := v_rank
        + (
          select coalesce(sum(h.n), 0)
            from public.board_histogram as h
           where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on
             and h.lvl = 0 and h.k between v_line.xp + 1 and v_better_xp
        )
        + (
          select coalesce(
              sum(
                (c.new_xp between v_line.xp + 1 and v_better_xp)::integer
                - (c.old_xp between v_line.xp + 1 and v_better_xp)::integer
              ),
              0
            )
            from public.board_changes as c
           where c.board = p_board and c.period = p_period and c.starts_on = p_starts_on
        );
    end if;
    v_better_xp := v_line.xp;
    v_entries := v_entries || jsonb_build_object(
      'rank', v_rank,
      'name', v_line.name,
      'number', private.board_number(v_line.user_id),
      'xp', v_line.xp,
      'level', v_line.level
    );
  end loop;
  return v_entries;
end
$$;

revoke all on function private.board_entries from public, anon, authenticated, service_role;
comment on function private.board_entries is 'Returns lines of a board for scores in the order of their places';

-- Counts the users who have a place on a board, hidden ones included.
--
-- Concurrency: read-only; exact within one snapshot, so its callers are stable functions.
-- Locks: none.
-- Returns: bigint
-- Errors: none.
create or replace function private.board_total(p_board text, p_period text, p_starts_on date)
returns bigint
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      (
        select sum(h.n)
          from public.board_histogram as h
         where h.board = p_board and h.period = p_period and h.starts_on = p_starts_on and h.lvl = 3
      ),
      0
    )::bigint
    + coalesce(
      (
        select sum((c.new_xp > 0)::integer - (c.old_xp > 0)::integer)
          from public.board_changes as c
         where c.board = p_board and c.period = p_period and c.starts_on = p_starts_on
      ),
      0
    );
$$;

revoke all on function private.board_total from public, anon, authenticated, service_role;
comment on function private.board_total is 'Counts the users who have a place on a board';

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
