-- Records that the provider has finished a job and that its files are stored. A job that had expired, or failed because its
-- request was not answered, becomes a late one: it is delivered, and nothing is charged for it.
--
-- p_files: [{key, mime, width, height, duration}], key null where no storage is configured. p_cost: US dollars that the
-- provider charged, null when it did not say. p_usage: {request_bytes, response_bytes, tokens_in, tokens_out}.
--
-- Concurrency: see private.lease_generation. A repeated call of the same worker changes nothing.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'recorded' | 'superseded'
-- Errors: none.
create or replace function public.record_copied(
  p_id bigint, p_attempt integer, p_files jsonb, p_cost numeric, p_usage jsonb
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_is_late boolean := v_job.state in ('expired', 'failed');
begin
  if v_job.state = 'copied' then
    return jsonb_build_object('outcome', 'recorded');
  elsif v_job.id is null or not (v_is_late or v_job.state in ('submitting', 'submitted')) then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  update public.generations as g
     set state = 'copied',
         is_late = v_is_late,
         slot = case when not v_is_late then g.slot end,
         cause = null,
         files = p_files,
         cost = p_cost,
         usage = p_usage,
         due_at = private.clock(),
         ended_at = null,
         delete_at = null
   where g.id = p_id;
  return jsonb_build_object('outcome', 'recorded');
end
$$;

revoke all on function public.record_copied from public, anon, authenticated, service_role;
grant execute on function public.record_copied to bot_backend;
comment on function public.record_copied is 'Records that the files of a job are stored';
