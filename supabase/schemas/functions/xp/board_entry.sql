-- Returns one line of a board.
--
-- Concurrency: read-only; see private.board_rank.
-- Locks: none.
-- Returns: jsonb
--   rank: bigint           (users with equal XP share a rank: 1, 2, 2, 4)
--   name: text | null      (null: the user chose none; show number)
--   number: int
--   xp: bigint
--   level: int
-- Errors: none.
create or replace function private.board_entry(p_score public.board_scores)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select jsonb_build_object(
    'rank', private.board_rank(p_score.board, p_score.period, p_score.starts_on, p_score.xp),
    'name', p.name,
    'number', private.board_number(u.id),
    'xp', p_score.xp,
    'level', u.level
  )
  from public.users as u
  left join public.board_profiles as p on p.user_id = u.id
   where u.id = p_score.user_id
  );
end
$$;

revoke all on function private.board_entry from public, anon, authenticated, service_role;
comment on function private.board_entry is 'Returns one line of a board';
