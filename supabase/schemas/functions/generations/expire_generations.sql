-- Ends jobs whose deadline has passed without a result, at most p_limit, and releases what they took.
--
-- Concurrency: a leased job is left to its worker. Each job is locked and read again; two calls at once expire it once.
-- Locks: jobs by user (each as private.lock_generation), then as private.close_generation.
-- Returns: jsonb
--   expired: int
--   outgoing: outgoing
-- Errors: none.
create or replace function public.expire_generations(p_limit integer)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_id bigint;
  v_job public.generations;
  v_expired integer := 0;
  v_outgoing jsonb := '[]'::jsonb;
begin
  for v_id in
    select o.id
      from (
        select g.id, g.user_id
          from public.generations as g
         where g.state in ('reserved', 'submitting', 'submitted')
           and g.deadline <= v_now
           and (g.lease_until is null or g.lease_until <= v_now)
         order by g.deadline
         limit p_limit
      ) as o
     order by o.user_id, o.id
  loop
    v_job := private.lock_generation(v_id);
    continue when v_job.id is null
      or v_job.state not in ('reserved', 'submitting', 'submitted')
      or v_job.lease_until > v_now;
    v_outgoing := v_outgoing || private.close_generation(v_job, 'expired', null, null);
    v_expired := v_expired + 1;
  end loop;
  return jsonb_build_object('expired', v_expired, 'outgoing', v_outgoing);
end
$$;

revoke all on function public.expire_generations from public, anon, authenticated, service_role;
grant execute on function public.expire_generations to bot_backend;
comment on function public.expire_generations is 'Ends jobs whose deadline has passed';
