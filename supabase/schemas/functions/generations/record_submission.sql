-- Records the name that the provider gave to a job. From the worker that submitted it, or from a callback that came earlier
-- than that worker's answer, or after the worker had crashed. A job that has expired meanwhile keeps the name for a late
-- callback.
--
-- p_seconds: until its state is read for the first time.
--
-- Concurrency: needs no lease, because the name belongs to the job, not to a worker. Both callers may record the same name.
--   Two jobs never have one name (unique index).
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'recorded' | 'known' | 'conflict' | 'over'   (conflict: the job, or another job, has another name or this name)
-- Errors: none.
create or replace function public.record_submission(
  p_id bigint, p_provider_job_id text, p_seconds numeric default 10
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lock_generation(p_id);
  v_outcome text := case when v_job.provider_job_id is null then 'recorded' else 'known' end;
begin
  if v_job.id is null then
    return jsonb_build_object('outcome', 'over');
  elsif v_job.provider_job_id <> p_provider_job_id then
    return jsonb_build_object('outcome', 'conflict');
  end if;
  update public.generations as g
     set provider_job_id = p_provider_job_id,
         state = case g.state when 'submitting' then 'submitted' else g.state end,
         due_at = case
           when g.state in ('submitting', 'submitted') and not g.is_nudged
             then private.clock() + make_interval(secs => p_seconds::double precision)
           when g.state in ('submitting', 'submitted') then private.clock()
           else g.due_at
         end,
         lease_until = case when g.state in ('submitting', 'submitted') then null else g.lease_until end
   where g.id = p_id;
  return jsonb_build_object('outcome', v_outcome);
exception when unique_violation then
  return jsonb_build_object('outcome', 'conflict');
end
$$;

revoke all on function public.record_submission from public, anon, authenticated, service_role;
grant execute on function public.record_submission to bot_backend;
comment on function public.record_submission is 'Records the name that the provider gave to a job';
