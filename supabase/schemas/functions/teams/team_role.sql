-- Returns a user's role in a team and locks the team, so that its members and assignments do not change meanwhile.
--
-- Concurrency: of two changes of one team the second waits, and sees what the first has changed.
-- Locks: team (FOR UPDATE).
-- Returns: text, manager or member; null where the user does not belong to the team or there is none.
-- Errors: none.
create or replace function private.team_role(p_user_id bigint, p_team_id bigint)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform from public.teams as t where t.id = p_team_id for update;
  return (select m.role from public.team_members as m where m.team_id = p_team_id and m.user_id = p_user_id);
end
$$;

revoke all on function private.team_role from public, anon, authenticated, service_role;
comment on function private.team_role is 'Returns a user''s role in a team and locks the team, so that its members and assignments do not change meanwhile';
