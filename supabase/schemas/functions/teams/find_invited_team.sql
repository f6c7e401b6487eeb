-- Returns the team of an invite link, for the user who opened it.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { id: bigint, name: text, managers: [ text ], is_member: boolean } | null
-- Errors: none.
create or replace function public.find_invited_team(p_user_id bigint, p_bot text, p_code text)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'id', t.id,
      'name', t.name,
      'managers', private.team_card(t, 'member') -> 'managers',
      'is_member', exists (
        select from public.team_members as m where m.team_id = t.id and m.user_id = p_user_id
      )
    )
    from public.teams as t
   where t.code = p_code and t.bot = p_bot;
$$;

revoke all on function public.find_invited_team from public, anon, authenticated, service_role;
grant execute on function public.find_invited_team to bot_backend;
comment on function public.find_invited_team is 'Returns the team of an invite link, for the user who opened it';
