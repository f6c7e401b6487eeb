-- Gives back everything that a job still holds, once.
--
-- Concurrency: the caller has locked the job and its user; see private.return_generation_price.
-- Locks: as private.return_generation_price.
-- Returns: void
-- Errors: none.
create or replace function private.release_generation(p_job public.generations)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_held record;
begin
  select
    sum(e.plan_requests)::integer as plan_requests,
    sum(e.bonus_requests)::integer as bonus_requests,
    sum(e.amount) as amount
    into v_held
    from public.generation_effects as e
   where e.generation_id = p_job.id;
  perform private.return_generation_price(
    p_job, 'released', v_held.plan_requests, v_held.bonus_requests, v_held.amount
  );
end
$$;

revoke all on function private.release_generation from public, anon, authenticated, service_role;
comment on function private.release_generation is 'Gives back everything that a job still holds';
