-- Returns the results of a team's members in what was assigned to them: no conversations, and no other trainings. For
-- managers.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     team: private.team_card,
--     members: [ {
--       id: bigint, name: text, role: 'manager' | 'member',
--       tasks: [ private.task_card ],                              (that have opened, oldest first)
--       trainings: [ { date: timestamptz, scenario: text, score: int, clarity: int } ],   (finished ones, oldest first)
--       points: { [text]: { [text]: int } }                        (by scenario and type, over those trainings)
--     } ]
--   } | null
-- Errors: none.
create or replace function public.team_report(p_user_id bigint, p_team_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'team', private.team_card(t, o.role),
      'members', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'id', m.user_id, 'name', concat_ws(' ', u.first_name, u.last_name), 'role', m.role
              ) || private.member_results(t.id, m.user_id)
              order by lower(u.first_name), m.user_id
            ),
            '[]'
          )
          from public.team_members as m
          join public.users as u on u.id = m.user_id
         where m.team_id = t.id
      )
    )
    from public.teams as t
    join public.team_members as o on o.team_id = t.id and o.user_id = p_user_id and o.role = 'manager'
   where t.id = p_team_id;
$$;

revoke all on function public.team_report from public, anon, authenticated, service_role;
grant execute on function public.team_report to bot_backend;
comment on function public.team_report is 'Returns the results of a team''s members in what was assigned to them';
