-- Returns a task to its member.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   {
--     task: private.task_card,
--     state: 'open' | 'closed',          (closed: not open yet, or canceled)
--     recent_cases: [ text ]             (of its scenario, the last five that the member played)
--   } | null
-- Errors: none.
create or replace function public.get_task(p_user_id bigint, p_task_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'task', private.task_card(k),
      'state', case when k.opens_at <= private.clock() and a.canceled_at is null then 'open' else 'closed' end,
      'recent_cases', (
        select coalesce(jsonb_agg(r.case_id order by r.id desc), '[]')
          from (
            select t.id, t.case_id
              from public.trainings as t
             where t.user_id = p_user_id and t.scenario = a.scenario
             order by t.id desc
             limit 5
          ) as r
      )
    )
    from public.assignment_tasks as k
    join public.assignments as a on a.id = k.assignment_id
   where k.id = p_task_id and k.user_id = p_user_id;
$$;

revoke all on function public.get_task from public, anon, authenticated, service_role;
grant execute on function public.get_task to bot_backend;
comment on function public.get_task is 'Returns a task to its member';
