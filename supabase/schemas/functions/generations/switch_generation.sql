-- Hands a job whose provider failed to the next one of request.fallbacks: [{provider, model, options}]. It has the time that is
-- waited for the other model.
--
-- Concurrency: see private.lease_generation. A repeated call finds the state reserved and changes nothing. A callback of the
--   former request is that of an unknown job, because the job has a new token.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'switched' | 'none' | 'superseded'   (none: there is no other provider, or the deadline has passed)
-- Errors: none.
create or replace function public.switch_generation(p_id bigint, p_attempt integer, p_error text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_next jsonb := v_job.request -> 'fallbacks' -> 0;
begin
  if v_job.state is null or v_job.state not in ('submitting', 'submitted') then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_next is null or v_job.deadline <= private.clock() then
    return jsonb_build_object('outcome', 'none');
  end if;
  update public.generations as g
     set state = 'reserved',
         provider = v_next ->> 'provider',
         model = v_next ->> 'model',
         request = g.request || jsonb_build_object(
           'options', v_next -> 'options', 'fallbacks', (g.request -> 'fallbacks') - 0
         ),
         token = gen_random_uuid(),
         provider_job_id = null,
         submissions = 0,
         polls = 0,
         submitted_at = null,
         error = left(p_error, 1000),
         deadline = private.generation_deadline(
           g.kind, v_next ->> 'provider', v_next ->> 'model', private.clock()
         ),
         due_at = private.clock(),
         lease_until = null
   where g.id = p_id;
  return jsonb_build_object('outcome', 'switched');
end
$$;

revoke all on function public.switch_generation from public, anon, authenticated, service_role;
grant execute on function public.switch_generation to bot_backend;
comment on function public.switch_generation is 'Hands a job whose provider failed to the next one';
