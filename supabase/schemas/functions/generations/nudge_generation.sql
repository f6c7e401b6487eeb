-- Makes a job due because a callback of its provider came. The callback is not believed: a worker reads the provider's state.
--
-- p_token: from the callback's URL; null for a webhook of the provider's whole project, which has one URL for all jobs and
-- signs the job's name. p_provider_job_id: the provider's name of the job in the callback, which is recorded when the worker
-- that submitted it has not done so.
--
-- Concurrency: any number of callbacks at once make the job due once. While a worker holds the lease, its end makes the job
--   due again (is_nudged).
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'nudged' | 'unknown' | 'over'   (unknown: no such job, or it has another name; over: there is nothing to do)
--   id?: bigint            (nudged)
--   attempt?: int          (nudged: the number of its latest lease)
-- Errors: none.
create or replace function public.nudge_generation(p_provider text, p_token uuid, p_provider_job_id text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations;
begin
  v_job := private.lock_generation(
    case
      when p_token is null then (
        select g.id
          from public.generations as g
         where g.provider = p_provider and g.provider_job_id = p_provider_job_id
      )
      else (select g.id from public.generations as g where g.token = p_token and g.provider = p_provider)
    end
  );
  if v_job.id is null or v_job.provider_job_id <> p_provider_job_id then
    return jsonb_build_object('outcome', 'unknown');
  elsif not (
    v_job.state in ('submitting', 'submitted', 'expired') or (v_job.state = 'failed' and v_job.cause = 'unanswered')
  ) or coalesce(v_job.provider_job_id, p_provider_job_id) is null then
    return jsonb_build_object('outcome', 'over');
  end if;
  update public.generations as g
     set provider_job_id = coalesce(g.provider_job_id, p_provider_job_id),
         state = case g.state when 'submitting' then 'submitted' else g.state end,
         due_at = private.clock(),
         is_nudged = coalesce(g.lease_until > private.clock(), false)
   where g.id = v_job.id;
  return jsonb_build_object('outcome', 'nudged', 'id', v_job.id, 'attempt', v_job.attempt);
exception when unique_violation then  -- another job has this name
  return jsonb_build_object('outcome', 'unknown');
end
$$;

revoke all on function public.nudge_generation from public, anon, authenticated, service_role;
grant execute on function public.nudge_generation to bot_backend;
comment on function public.nudge_generation is 'Makes a job due because a callback came';
