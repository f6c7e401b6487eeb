-- Creates a team with its creator as manager. Its time zone is that of the limits (quota_timezone).
--
-- Concurrency: the user's row is locked, so the limit of teams holds; a known reference returns its team.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'created' | 'limit'
--   team?: private.team_card    (created)
--   most?: int                  (limit)
-- Errors: V0001 no such user; V0002 the name is invalid.
create or replace function public.create_team(p_user_id bigint, p_bot text, p_name text, p_reference text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
  v_most integer := private.setting('team_max_teams')::integer;
begin
  perform from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'V0001';
  elsif length(coalesce(p_name, '')) not between 1 and 60 then
    raise exception 'the name of a team has 1 to 60 characters' using errcode = 'V0002';
  end if;
  select t.* into v_team from public.teams as t where t.reference = p_reference;
  if found then
    return jsonb_build_object('outcome', 'created', 'team', private.team_card(v_team, 'manager'));
  elsif private.team_count(p_user_id, p_bot) >= v_most then
    return jsonb_build_object('outcome', 'limit', 'most', v_most);
  end if;
  insert into public.teams as t (bot, name, time_zone, reference)
  values (p_bot, p_name, private.setting('quota_timezone'), p_reference)
  returning t.* into v_team;
  insert into public.team_members (team_id, user_id, role) values (v_team.id, p_user_id, 'manager');
  return jsonb_build_object('outcome', 'created', 'team', private.team_card(v_team, 'manager'));
end
$$;

revoke all on function public.create_team from public, anon, authenticated, service_role;
grant execute on function public.create_team to bot_backend;
comment on function public.create_team is 'Creates a team with its creator as manager';
