-- Ends a user's membership, with all that was assigned to them in the team. The only manager of a team with other members
-- stays until there is another one; with its last member the team ends.
--
-- Concurrency: the team is locked: of two managers who leave at once one stays.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'left' | 'ended' | 'last_manager' | 'none'    (ended: the team is deleted)
-- Errors: none.
create or replace function public.leave_team(p_user_id bigint, p_team_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_role text := private.team_role(p_user_id, p_team_id);
begin
  if v_role is null then
    return jsonb_build_object('outcome', 'none');
  elsif not exists (
    select from public.team_members as m where m.team_id = p_team_id and m.user_id <> p_user_id
  ) then
    delete from public.teams as t where t.id = p_team_id;
    return jsonb_build_object('outcome', 'ended');
  elsif v_role = 'manager' and private.is_last_manager(p_user_id, p_team_id) then
    return jsonb_build_object('outcome', 'last_manager');
  end if;
  delete from public.team_members as m where m.team_id = p_team_id and m.user_id = p_user_id;
  return jsonb_build_object('outcome', 'left');
end
$$;

revoke all on function public.leave_team from public, anon, authenticated, service_role;
grant execute on function public.leave_team to bot_backend;
comment on function public.leave_team is 'Ends a user''s membership, with all that was assigned to them in the team';
