-- Counts the trainings and courses that users began and completed on a day.
--
-- Concurrency: read-only, over the indexes by time: it reads the rows of this day.
-- Locks: none.
-- Returns: setof public.daily_learning
-- Errors: none.
create or replace function private.ledger_learning(p_day date)
returns setof public.daily_learning
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with moved as (
    select 'training' as kind, t.scenario as key, 1 as started, 0 as completed
      from public.trainings as t
     where t.created_at >= private.day_start(p_day) and t.created_at < private.day_start(p_day + 1) and t.mode <> 'review'
    union all
    select 'training', t.scenario, 0, 1
      from public.trainings as t
     where t.finished_at >= private.day_start(p_day) and t.finished_at < private.day_start(p_day + 1)
       and t.status = 'finished' and t.mode <> 'review'
    union all
    select 'course', c.slug, 1, 0
      from public.course_progress as p
      join public.courses as c on c.id = p.course_id
     where p.started_at >= private.day_start(p_day) and p.started_at < private.day_start(p_day + 1)
    union all
    select 'course', c.slug, 0, 1
      from public.course_progress as p
      join public.courses as c on c.id = p.course_id
     where p.completed_at >= private.day_start(p_day) and p.completed_at < private.day_start(p_day + 1)
  )
  select p_day, m.kind, m.key, sum(m.started)::integer, sum(m.completed)::integer from moved as m group by m.kind, m.key;
$$;

revoke all on function private.ledger_learning from public, anon, authenticated, service_role;
comment on function private.ledger_learning is 'Counts trainings and courses of a day';
