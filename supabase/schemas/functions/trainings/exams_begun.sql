-- Returns how many exams of a scenario a user has begun: for a task, or without one within the last 24 hours. An exam is
-- begun with its first question. Who leaves a team and joins it again has used the attempts of before.
--
-- Concurrency: read-only; the caller has locked the user.
-- Locks: none.
-- Returns: integer
-- Errors: none.
create or replace function private.exams_begun(p_user_id bigint, p_bot text, p_scenario text, p_task_id bigint)
returns integer
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select count(*)::integer
    from public.trainings as t
    left join public.assignment_trainings as r on r.training_id = t.id
   where t.user_id = p_user_id
     and t.bot = p_bot
     and t.scenario = p_scenario
     and t.mode = 'exam'
     and t.first_question_at is not null
     and case
       when p_task_id is null then r.task_id is null and t.created_at > private.clock() - interval '1 day'
       else t.assigned_round = (
         select concat(k.assignment_id, ':', k.number) from public.assignment_tasks as k where k.id = p_task_id
       )
     end;
$$;

revoke all on function private.exams_begun from public, anon, authenticated, service_role;
comment on function private.exams_begun is 'Returns how many exams of a scenario a user has begun';
