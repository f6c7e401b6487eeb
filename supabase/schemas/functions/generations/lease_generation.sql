-- Locks a job for the worker that holds its lease of this number.
--
-- Concurrency: a worker whose lease was taken over gets nothing, so it changes nothing.
-- Locks: as private.lock_generation.
-- Returns: public.generations, the job; null when it was erased, or another worker has its lease.
-- Errors: none.
create or replace function private.lease_generation(p_id bigint, p_attempt integer)
returns public.generations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lock_generation(p_id);
begin
  if v_job.attempt <> p_attempt then
    return null;
  end if;
  return v_job;
end
$$;

revoke all on function private.lease_generation from public, anon, authenticated, service_role;
comment on function private.lease_generation is 'Locks a job for the worker that holds its lease';
