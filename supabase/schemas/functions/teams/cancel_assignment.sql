-- Cancels an assignment of a team: it is no longer asked of the members. Results stay. For managers.
--
-- Concurrency: the team is locked; canceling twice is canceling once.
-- Locks: team.
-- Returns: jsonb
--   outcome: 'canceled' | 'none'
-- Errors: none.
create or replace function public.cancel_assignment(p_user_id bigint, p_team_id bigint, p_assignment_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  if private.team_role(p_user_id, p_team_id) is distinct from 'manager' then
    return jsonb_build_object('outcome', 'none');
  end if;
  update public.assignments as a
     set canceled_at = coalesce(a.canceled_at, private.clock())
   where a.id = p_assignment_id and a.team_id = p_team_id;
  return jsonb_build_object('outcome', case when found then 'canceled' else 'none' end);
end
$$;

revoke all on function public.cancel_assignment from public, anon, authenticated, service_role;
grant execute on function public.cancel_assignment to bot_backend;
comment on function public.cancel_assignment is 'Cancels an assignment of a team';
