-- Ends a job that its worker found to have failed, or that the provider refused: everything taken is released, once. The
-- owner bears what the provider charged nevertheless.
--
-- p_cause: a word; "unanswered" when the outcome of the request is unknown, so that a late callback still counts;
-- "answered_in_text" when p_error is what the model says to the user. p_cost:
-- US dollars that the provider charged; p_usage as in public.record_copied. A result that was made and cannot be sent
-- ("too_large", "result_lost") costs what the catalogue said before it, where the provider reports no cost.
--
-- Concurrency: see private.lease_generation. A repeated call, or one for a job that has ended, changes nothing but the lease.
-- Locks: as private.lock_generation, private.release_generation and private.record_usage.
-- Returns: jsonb
--   outcome: 'recorded' | 'known' | 'superseded'
--   outgoing?: outgoing    (recorded)
-- Errors: none.
create or replace function public.end_generation(
  p_id bigint, p_attempt integer, p_state text, p_cause text, p_error text default null, p_cost numeric default null,
  p_usage jsonb default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_job public.generations := private.lease_generation(p_id, p_attempt);
begin
  if v_job.id is null then
    return jsonb_build_object('outcome', 'superseded');
  elsif v_job.state in ('delivered', 'failed', 'refused', 'expired', 'canceled') then
    update public.generations as g set due_at = null, lease_until = null where g.id = p_id;
    return jsonb_build_object('outcome', 'known');
  end if;
  if v_job.state in ('submitting', 'submitted', 'copied') then
    perform private.record_generation_usage(
      v_job, p_state,
      case when p_cause in ('too_large', 'result_lost') then coalesce(p_cost, v_job.cost, v_job.max_cost) else p_cost end,
      coalesce(p_usage, v_job.usage)
    );
  end if;
  return jsonb_build_object(
    'outcome', 'recorded', 'outgoing', private.close_generation(v_job, p_state, p_cause, p_error)
  );
end
$$;

revoke all on function public.end_generation from public, anon, authenticated, service_role;
grant execute on function public.end_generation to bot_backend;
comment on function public.end_generation is 'Ends a job that failed or was refused';
