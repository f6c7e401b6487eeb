-- Returns a team as one of its members sees it. Only a manager sees the code of the invite link.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   name: text
--   role: 'manager' | 'member'
--   code: text | null
--   time_zone: text
--   local_date: date       (in its time zone)
--   member_count: int
--   most_members: int
--   managers: [ text ]     (names)
-- Errors: none.
create or replace function private.team_card(p_team public.teams, p_role text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_team.id,
    'name', p_team.name,
    'role', p_role,
    'code', case p_role when 'manager' then p_team.code end,
    'time_zone', p_team.time_zone,
    'local_date', (private.clock() at time zone p_team.time_zone)::date,
    'member_count', (select count(*) from public.team_members as m where m.team_id = p_team.id),
    'most_members', private.setting('team_max_members')::integer,
    'managers', (
      select coalesce(jsonb_agg(concat_ws(' ', u.first_name, u.last_name) order by m.joined_at, u.id), '[]')
        from public.team_members as m
        join public.users as u on u.id = m.user_id
       where m.team_id = p_team.id and m.role = 'manager'
    )
  );
$$;

revoke all on function private.team_card from public, anon, authenticated, service_role;
comment on function private.team_card is 'Returns a team as one of its members sees it';
