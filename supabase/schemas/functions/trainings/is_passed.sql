-- Returns whether an exam counts and reached its pass mark.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: boolean, null for a training that is no exam.
-- Errors: none.
create or replace function private.is_passed(p_training public.trainings)
returns boolean
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_training.mode = 'exam' then private.training_counts(p_training)
      and (p_training.result ->> 'score')::integer >= (p_training.rules -> 'exam' ->> 'score')::integer
  end;
$$;

revoke all on function private.is_passed from public, anon, authenticated, service_role;
comment on function private.is_passed is 'Returns whether an exam reached its pass mark';
