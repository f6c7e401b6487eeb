-- Returns what a user's profile shows of XP, over all bots.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   {
--     first_name: text,
--     name: text | null,             (display name on boards)
--     number: int,                   (shown there without a name)
--     is_hidden: boolean,
--     total_xp: bigint,
--     level: int,
--     level_name: text,              (levels.name_key)
--     level_xp: bigint,              (XP at which the level begins)
--     next_level_xp: bigint | null,  (null: the highest level)
--     rank: bigint | null,           (of all time and all bots; null: none)
--     total: bigint,                 (users with a rank)
--     badges: [ { badge: text, bot: text, metadata: jsonb, earned_at: timestamptz } ],
--     streak: private.streak_state,
--     bots: [ { bot: text, xp: bigint } ]   (the most XP first)
--   } | null                         (no such user)
-- Errors: none.
create or replace function public.get_profile(p_user_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_profile public.board_profiles;
  v_level public.levels;
  v_is_ranked boolean;
begin
  select u.* into v_user from public.users as u where u.id = p_user_id;
  if not found then
    return null;
  end if;
  select p.* into v_profile from public.board_profiles as p where p.user_id = p_user_id;
  select l.* into v_level from public.levels as l where l.level = v_user.level;
  v_is_ranked := v_user.total_xp > 0 and v_user.banned_at is null and not v_user.is_admin;
  return jsonb_build_object(
    'first_name', v_user.first_name,
    'name', v_profile.name,
    'number', private.board_number(p_user_id),
    'is_hidden', coalesce(v_profile.is_hidden, false),
    'total_xp', v_user.total_xp,
    'level', v_user.level,
    'level_name', coalesce(v_level.name_key, 'novice'),
    'level_xp', coalesce(v_level.min_xp, 0),
    'next_level_xp', (select min(l.min_xp) from public.levels as l where l.level > v_user.level),
    'rank', case when v_is_ranked then private.board_rank('', 'all', 'epoch', v_user.total_xp) end,
    'total', private.board_total('', 'all', 'epoch'),
    'badges', public.get_user_badges(v_user.telegram_id),
    'streak', public.get_streak(p_user_id),
    'bots', (
      select coalesce(jsonb_agg(jsonb_build_object('bot', s.board, 'xp', s.xp) order by s.xp desc, s.board), '[]')
        from public.board_scores as s
       where s.user_id = p_user_id and s.period = 'all' and s.board <> '' and s.xp > 0
    )
  );
end
$$;

revoke all on function public.get_profile from public, anon, authenticated, service_role;
grant execute on function public.get_profile to bot_backend;
comment on function public.get_profile is 'Returns what a user''s profile shows of XP';
