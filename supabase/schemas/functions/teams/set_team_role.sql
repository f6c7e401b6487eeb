-- Makes a member of a team a manager, or a manager a member. For managers.
--
-- Concurrency: the team is locked: of two managers who step down at once one stays.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'changed' | 'last_manager' | 'none'    (changed: also where the role was this one already)
--   outgoing?: outgoing                             (a new manager is notified)
-- Errors: none.
create or replace function public.set_team_role(p_user_id bigint, p_team_id bigint, p_member_id bigint, p_role text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
begin
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  elsif p_role = 'member' and private.is_last_manager(p_member_id, p_team_id) then
    return jsonb_build_object('outcome', 'last_manager');
  end if;
  update public.team_members as m
     set role = p_role
   where m.team_id = p_team_id and m.user_id = p_member_id and m.role <> p_role;
  if not found then
    return jsonb_build_object(
      'outcome', case
        when exists (select from public.team_members as m where m.team_id = p_team_id and m.user_id = p_member_id)
          then 'changed'
        else 'none'
      end
    );
  end if;
  select t.* into v_team from public.teams as t where t.id = p_team_id;
  return jsonb_build_object('outcome', 'changed') || case
    when p_role = 'manager' and p_member_id <> p_user_id then jsonb_build_object(
      'outgoing', private.enqueue_user_message(
        p_member_id, v_team.bot, 'team_manager_notice',
        jsonb_build_object('team', jsonb_build_object('name', v_team.name)),
        jsonb_build_array(
          jsonb_build_array(jsonb_build_object('key', 'team_open_button', 'data', 'team:' || v_team.id))
        )
      )
    )
    else '{}'::jsonb
  end;
end
$$;

revoke all on function public.set_team_role from public, anon, authenticated, service_role;
grant execute on function public.set_team_role to bot_backend;
comment on function public.set_team_role is 'Makes a member of a team a manager, or a manager a member';
