-- Ends a worker's lease without a result: the job is due again after p_seconds, or at once when a callback came meanwhile.
--
-- p_seconds null: not again. A job that succeeded then stays as it is, undeliverable. p_error: what failed; null: the
-- provider still works on it.
--
-- Concurrency: see private.lease_generation. A job that is being submitted is never due: its request must not be repeated.
-- Locks: as private.lock_generation.
-- Returns: jsonb
--   outcome: 'recorded' | 'superseded'
--   status?: { message_id: bigint, seconds: int, usual_seconds: float | null }
--                (the message about the job is to show how long it takes, at most once in generation_status_seconds; in a group
--                in twice as long. seconds: since it was asked for)
-- Errors: none.
create or replace function public.postpone_generation(
  p_id bigint, p_attempt integer, p_seconds numeric, p_error text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
  v_now timestamptz := private.clock();
  v_is_over boolean;
  v_pause interval := make_interval(
    secs => private.setting('generation_status_seconds')::integer * case when v_job.chat_id < 0 then 2 else 1 end
  );
  v_shows boolean;
begin
  if v_job.id is null or v_job.state in ('submitting', 'delivered', 'refused', 'canceled') then
    return jsonb_build_object('outcome', 'superseded');
  end if;
  v_is_over := p_seconds is null and v_job.state = 'succeeded';
  v_shows := p_error is null
    and v_job.state = 'submitted'
    and v_job.status_message_id is not null
    and coalesce(v_job.status_edited_at, v_job.created_at) <= v_now - v_pause;
  update public.generations as g
     set due_at = case
           when g.is_nudged then v_now
           else v_now + make_interval(secs => p_seconds::double precision)
         end,
         lease_until = null,
         is_nudged = false,
         polls = g.polls + (p_error is null)::integer,
         delivery_failures = g.delivery_failures + (p_error is not null and g.state = 'succeeded')::integer,
         error = coalesce(left(p_error, 1000), g.error),
         status_edited_at = case when v_shows then v_now else g.status_edited_at end,
         ended_at = case when v_is_over then v_now else g.ended_at end,
         delete_at = case when v_is_over then private.generation_end(v_now) else g.delete_at end
   where g.id = p_id;
  if not v_shows then
    return jsonb_build_object('outcome', 'recorded');
  end if;
  return jsonb_build_object(
    'outcome', 'recorded',
    'status', jsonb_build_object(
      'message_id', v_job.status_message_id,
      'seconds', extract(epoch from v_now - v_job.created_at)::integer,
      'usual_seconds', (
        select m.limits -> 'usual_seconds'
          from public.ai_models as m
         where m.provider = v_job.provider and m.model = v_job.model
      )
    )
  );
end
$$;

revoke all on function public.postpone_generation from public, anon, authenticated, service_role;
grant execute on function public.postpone_generation to bot_backend;
comment on function public.postpone_generation is 'Ends a worker''s lease of a job without a result';
