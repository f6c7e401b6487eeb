-- Marks a job as being sent to its provider. This is committed before the paid request: from here on it is never repeated,
-- unless it provably did not arrive (public.retry_submission).
--
-- Concurrency: see private.lease_generation. A second call of the same worker finds another state and begins nothing.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'begun' | 'superseded' | 'over'   (over: the deadline has passed, and the job will expire)
-- Errors: none.
create or replace function public.begin_submission(p_id bigint, p_attempt integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_now timestamptz := private.clock();
begin
  if v_job.state is distinct from 'reserved' then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_job.deadline <= v_now then
    return jsonb_build_object('outcome', 'over');
  end if;
  update public.generations as g
     set state = 'submitting', submissions = g.submissions + 1, submitted_at = v_now, due_at = null
   where g.id = p_id;
  return jsonb_build_object('outcome', 'begun');
end
$$;

revoke all on function public.begin_submission from public, anon, authenticated, service_role;
grant execute on function public.begin_submission to bot_backend;
comment on function public.begin_submission is 'Marks a job as being sent to its provider';
