-- Returns a user's streak as it is now.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   ...private.streak_state
-- Errors: none.
create or replace function public.get_streak(p_user_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_streak public.streaks;
begin
  select s.* into v_streak from public.streaks as s where s.user_id = p_user_id;
  return private.streak_state(v_streak, private.clock());
end
$$;

revoke all on function public.get_streak from public, anon, authenticated, service_role;
grant execute on function public.get_streak to bot_backend;
comment on function public.get_streak is 'Returns a user''s streak as it is now';
