-- Returns when the time of an exam ends.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: timestamptz, null for a training that is no exam.
-- Errors: none.
create or replace function private.exam_ends_at(p_training public.trainings)
returns timestamptz
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_training.created_at + make_interval(mins => (p_training.rules -> 'exam' ->> 'minutes')::integer);
$$;

revoke all on function private.exam_ends_at from public, anon, authenticated, service_role;
comment on function private.exam_ends_at is 'Returns when the time of an exam ends';
