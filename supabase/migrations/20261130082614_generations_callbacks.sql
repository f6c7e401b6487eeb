-- Callbacks of jobs, and the next time at which one is due.
--
-- The new record_submission takes the calls of the live revision, which leave the new parameter out.
-- squawk-ignore-file ban-drop-function

drop function public.record_submission(p_id bigint, p_provider_job_id text);

-- Returns when the next job is due, of those that are due within p_seconds. For the worker that ends a run.
--
-- p_providers: as in public.claim_generations.
--
-- Concurrency: read-only. A leased job counts once its worker has given it back, and looks then.
-- Locks: none.
-- Returns: jsonb
--   milliseconds: int | null   (0: now; null: none)
-- Errors: none.
create or replace function public.next_generation(p_providers jsonb, p_seconds integer)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'milliseconds', (
      select greatest(ceil(extract(epoch from g.due_at - (select private.clock())) * 1000)::integer, 0)
        from public.generations as g
       where g.due_at <= (select private.clock()) + make_interval(secs => p_seconds)
         and (g.lease_until is null or g.lease_until <= (select private.clock()))
         and p_providers ? g.provider
       order by g.due_at
       limit 1
    )
  );
$$;

revoke all on function public.next_generation from public, anon, authenticated, service_role;
grant execute on function public.next_generation to bot_backend;
comment on function public.next_generation is 'When the next job is due';

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

-- Hands a job whose provider failed to the next one of request.fallbacks: [{provider, model, options}].
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
         due_at = private.clock(),
         lease_until = null
   where g.id = p_id;
  return jsonb_build_object('outcome', 'switched');
end
$$;

revoke all on function public.switch_generation from public, anon, authenticated, service_role;
grant execute on function public.switch_generation to bot_backend;
comment on function public.switch_generation is 'Hands a job whose provider failed to the next one';
