-- Removes a member of a team, with all that was assigned to them in it; the member is notified. The invite
-- link is renewed, so that it does not let the member back in. For managers.
--
-- Concurrency: the team is locked: two managers at once remove a member once, and never each other, so that the team keeps
--   a manager.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'removed' | 'none'    (none: the user is no manager, or the other one no other member of the team)
--   outgoing?: outgoing            (removed: to deliver now)
-- Errors: none.
create or replace function public.remove_team_member(p_user_id bigint, p_team_id bigint, p_member_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_team public.teams;
begin
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' or p_member_id = p_user_id then
    return jsonb_build_object('outcome', 'none');
  end if;
  delete from public.team_members as m where m.team_id = p_team_id and m.user_id = p_member_id;
  if not found then
    return jsonb_build_object('outcome', 'none');
  end if;
  -- The link that the member joined by must not let them back in.
  update public.teams as t set code = private.random_code() where t.id = p_team_id
  returning t.* into v_team;
  return jsonb_build_object(
    'outcome', 'removed',
    'outgoing', private.enqueue_user_message(
      p_member_id, v_team.bot, 'team_removed_notice',
      jsonb_build_object('team', jsonb_build_object('name', v_team.name))
    )
  );
end
$$;

revoke all on function public.remove_team_member from public, anon, authenticated, service_role;
grant execute on function public.remove_team_member to bot_backend;
comment on function public.remove_team_member is 'Removes a member of a team, with all that was assigned to them in it; the member is notified';
