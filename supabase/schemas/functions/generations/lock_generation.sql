-- Locks a job and its user, the user first: an erasure locks the user and then deletes the jobs, so there is no deadlock.
--
-- Concurrency: the job is read again under its lock; an erasure in between leaves none.
-- Locks: user (NO KEY UPDATE), job (FOR UPDATE).
-- Returns: public.generations, the job; null if there is none.
-- Errors: none.
create or replace function private.lock_generation(p_id bigint)
returns public.generations
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations;
begin
  perform
    from public.users as u
   where u.id = (select g.user_id from public.generations as g where g.id = p_id)
     for no key update;
  select g.* into v_job from public.generations as g where g.id = p_id for update;
  return v_job;
end
$$;

revoke all on function private.lock_generation from public, anon, authenticated, service_role;
comment on function private.lock_generation is 'Locks a job and its user';
