-- Changes a team's name or time zone, or renews the code of its invite link. Earlier deadlines keep their moment. For managers.
--
-- p_name, p_time_zone: null keeps them.
--
-- Concurrency: the team is locked; the last change counts.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'changed' | 'no_zone' | 'none'    (no_zone: no such IANA time zone)
--   team?: private.team_card                   (changed)
-- Errors: V0002 the name is invalid.
create or replace function public.update_team(
  p_user_id bigint, p_team_id bigint, p_name text default null, p_time_zone text default null,
  p_renew_code boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
  v_zone text;
begin
  if length(p_name) not between 1 and 60 then
    raise exception 'the name of a team has 1 to 60 characters' using errcode = 'V0002';
  elsif private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  elsif p_time_zone is not null then
    v_zone := private.known_time_zone(p_time_zone);
    if v_zone is null then
      return jsonb_build_object('outcome', 'no_zone');
    end if;
  end if;
  update public.teams as t
     set name = coalesce(p_name, t.name),
         time_zone = coalesce(v_zone, t.time_zone),
         code = case when p_renew_code then private.random_code() else t.code end
   where t.id = p_team_id
  returning t.* into v_team;
  return jsonb_build_object('outcome', 'changed', 'team', private.team_card(v_team, 'manager'));
end
$$;

revoke all on function public.update_team from public, anon, authenticated, service_role;
grant execute on function public.update_team to bot_backend;
comment on function public.update_team is 'Changes a team''s name or time zone, or renews the code of its invite link';
