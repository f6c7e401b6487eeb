-- Returns how many exams of a scenario a user has begun: for a task, or without one within the last 24 hours. An exam is
-- begun with its first question.
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
     and r.task_id is not distinct from p_task_id
     and (p_task_id is not null or t.created_at > private.clock() - interval '1 day');
$$;

revoke all on function private.exams_begun from public, anon, authenticated, service_role;
comment on function private.exams_begun is 'Returns how many exams of a scenario a user has begun';
