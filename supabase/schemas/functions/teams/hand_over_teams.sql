-- Prepares the erasure of a user for their teams: a team without other members ends, and one whose only manager they are
-- gets a new one, the member who joined first. The new manager and the other members are notified.
--
-- Concurrency: the teams are locked first, so the checks see who joined, left or became a manager meanwhile.
-- Locks: teams by id (FOR UPDATE).
-- Returns: void, the messages are left to the sweep.
-- Errors: none.
create or replace function private.hand_over_teams(p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
  v_successor bigint;
begin
  for v_team in
    select t.*
      from public.teams as t
     where t.id in (select m.team_id from public.team_members as m where m.user_id = p_user_id)
     order by t.id
       for update
  loop
    continue when not private.is_last_manager(p_user_id, v_team.id);
    update public.team_members as m
       set role = 'manager'
     where m.team_id = v_team.id
       and m.user_id = (
         select o.user_id
           from public.team_members as o
          where o.team_id = v_team.id and o.user_id <> p_user_id
          order by o.joined_at, o.user_id
          limit 1
       )
    returning m.user_id into v_successor;
    if not found then
      delete from public.teams as t where t.id = v_team.id;
      continue;
    end if;
    perform private.enqueue_user_message(
        m.user_id, v_team.bot,
        case when m.user_id = v_successor then 'team_inherited_notice' else 'team_new_manager_notice' end,
        jsonb_build_object(
          'team', jsonb_build_object('name', v_team.name),
          'name', jsonb_build_object('name', concat_ws(' ', u.first_name, u.last_name))
        ),
        jsonb_build_array(
          jsonb_build_array(jsonb_build_object('key', 'team_open_button', 'data', 'team:' || v_team.id))
        )
      )
      from public.team_members as m
      join public.users as u on u.id = v_successor
     where m.team_id = v_team.id and m.user_id <> p_user_id;
  end loop;
end
$$;

revoke all on function private.hand_over_teams from public, anon, authenticated, service_role;
comment on function private.hand_over_teams is 'Prepares the erasure of a user for their teams';
