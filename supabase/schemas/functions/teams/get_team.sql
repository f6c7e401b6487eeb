-- Returns a team to one of its members; the other members and the assignments to a manager only.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     team: private.team_card,
--     members: [ { id: bigint, name: text, role: 'manager' | 'member', joined_at: timestamptz } ],
--     assignments: [ { card: private.assignment_card, done: int, open: int, overdue: int } ]   (newest first, none canceled)
--   } | null
-- Errors: none.
create or replace function public.get_team(p_user_id bigint, p_team_id bigint)
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
                'id', m.user_id, 'name', concat_ws(' ', u.first_name, u.last_name), 'role', m.role,
                'joined_at', m.joined_at
              )
              order by m.role, m.joined_at, m.user_id
            ),
            '[]'
          )
          from public.team_members as m
          join public.users as u on u.id = m.user_id
         where m.team_id = t.id and o.role = 'manager'
      ),
      'assignments', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'card', private.assignment_card(a), 'done', k.done, 'open', k.open, 'overdue', k.overdue
              )
              order by a.id desc
            ),
            '[]'
          )
          from public.assignments as a
          cross join lateral (
            select count(*) filter (where c.done_at is not null) as done,
              count(*) filter (where c.done_at is null and c.due_at > private.clock()) as open,
              count(*) filter (where c.done_at is null and c.due_at <= private.clock()) as overdue
              from public.assignment_tasks as c
             where c.assignment_id = a.id
          ) as k
         where a.team_id = t.id and a.canceled_at is null and o.role = 'manager'
      )
    )
    from public.teams as t
    join public.team_members as o on o.team_id = t.id and o.user_id = p_user_id
   where t.id = p_team_id;
$$;

revoke all on function public.get_team from public, anon, authenticated, service_role;
grant execute on function public.get_team to bot_backend;
comment on function public.get_team is 'Returns a team to one of its members; the other members and the assignments to a manager only';
