-- Returns a job whose request provably did not reach the provider to the state reserved, to be sent again after p_seconds.
--
-- Concurrency: see private.lease_generation. A callback that has named the job meanwhile keeps it submitted.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'recorded' | 'superseded'
-- Errors: none.
create or replace function public.retry_submission(p_id bigint, p_attempt integer, p_seconds integer, p_error text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
begin
  if v_job.state is distinct from 'submitting' then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  update public.generations as g
     set state = 'reserved',
         due_at = private.clock() + make_interval(secs => p_seconds),
         lease_until = null,
         submitted_at = null,
         error = left(p_error, 1000)
   where g.id = p_id;
  return jsonb_build_object('outcome', 'recorded');
end
$$;

revoke all on function public.retry_submission from public, anon, authenticated, service_role;
grant execute on function public.retry_submission to bot_backend;
comment on function public.retry_submission is 'Returns a job that did not reach its provider to the state reserved';
