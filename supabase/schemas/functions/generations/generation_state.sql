-- Returns what a bot shows of a job.
--
-- Concurrency: computes and reads only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   kind: 'image' | 'video'
--   state: 'reserved' | 'submitting' | 'submitted' | 'copied' | 'succeeded' | 'delivered' | 'failed' | 'refused' | 'expired'
--     | 'canceled'
--   requests: int           (taken for it now: of the plan, or bonus credits)
--   amount: numeric         (taken from the balance for it now)
--   deadline: timestamptz
--   telegram_files: [ { kind: text, file_id: text } ]
-- Errors: none.
create or replace function private.generation_state(p_job public.generations)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_job.id,
    'kind', p_job.kind,
    'state', p_job.state,
    'requests', coalesce(sum(e.plan_requests + e.bonus_requests), 0),
    'amount', coalesce(sum(e.amount), 0)::text,
    'deadline', p_job.deadline,
    'telegram_files', p_job.telegram_files
  )
  from public.generation_effects as e
  where e.generation_id = p_job.id;
$$;

revoke all on function private.generation_state from public, anon, authenticated, service_role;
comment on function private.generation_state is 'What a bot shows of a job';
