-- Returns a member's results in what was assigned to them in a team.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb, the keys tasks, trainings and points of public.team_report.
-- Errors: none.
create or replace function private.member_results(p_team_id bigint, p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with played as (
    select n.id, n.scenario, n.finished_at, (n.result ->> 'score')::integer as score, n.clarity_level
      from public.assignment_tasks as k
      join public.assignment_trainings as r on r.task_id = k.id
      join public.trainings as n on n.id = r.training_id
     where k.team_id = p_team_id
       and k.user_id = p_user_id
       and private.training_counts(n)
  )
  select jsonb_build_object(
    'tasks', (
      select coalesce(jsonb_agg(private.task_card(k) order by k.due_at, k.id), '[]')
        from public.assignment_tasks as k
        join public.assignments as a on a.id = k.assignment_id
       where k.team_id = p_team_id
         and k.user_id = p_user_id
         and k.opens_at <= private.clock()
         and (a.canceled_at is null or k.done_at is not null)
    ),
    'trainings', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object(
              'date', p.finished_at, 'scenario', p.scenario, 'score', p.score, 'clarity', p.clarity_level
            )
            order by p.finished_at, p.id
          ),
          '[]'
        )
        from played as p
    ),
    'points', (
      select coalesce(jsonb_object_agg(s.scenario, s.points), '{}')
        from (
          select y.scenario, jsonb_object_agg(y.type, y.points) as points
            from (
              select p.scenario, r.type, sum(r.points) as points
                from played as p
                join public.training_turns as r on r.training_id = p.id
               where r.why in ('counted', 'capped')
               group by p.scenario, r.type
            ) as y
           group by y.scenario
        ) as s
    )
  );
$$;

revoke all on function private.member_results from public, anon, authenticated, service_role;
comment on function private.member_results is 'Returns a member''s results in what was assigned to them in a team';
