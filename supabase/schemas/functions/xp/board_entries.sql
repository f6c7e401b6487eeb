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
