-- Collects what is stored about a user's XP, badges, streak and places on boards. Of the awards it holds the newest 10,000.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, one key per table.
-- Errors: none.
create or replace function private.xp_section(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'awards', (
      select coalesce(jsonb_agg(to_jsonb(a.award) - array['id', 'user_id'] order by a.id), '[]'::jsonb)
        from (
          select x as award, x.id from public.xp_awards as x where x.user_id = p_user_id order by x.id desc limit 10000
        ) as a
    ),
    'badges', (
      select coalesce(jsonb_agg(to_jsonb(b) - 'user_id' order by b.earned_at, b.badge, b.bot), '[]'::jsonb)
        from public.user_badges as b
       where b.user_id = p_user_id
    ),
    'scores', (
      select coalesce(jsonb_agg(to_jsonb(s) - 'user_id' order by s.board, s.period, s.starts_on), '[]'::jsonb)
        from public.board_scores as s
       where s.user_id = p_user_id
    ),
    'streak', (select to_jsonb(s) - 'user_id' from public.streaks as s where s.user_id = p_user_id),
    'profile', (select to_jsonb(p) - 'user_id' from public.board_profiles as p where p.user_id = p_user_id)
  );
$$;

revoke all on function private.xp_section from public, anon, authenticated, service_role;
comment on function private.xp_section is 'Collects what is stored about a user''s XP, badges, streak and boards';
