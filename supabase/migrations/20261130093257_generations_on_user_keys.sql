-- Generations on user keys.

-- Records the call to the provider of a job (private.record_usage). The cost of a job that was paid for from the balance is
-- left out of the daily cost limits and the monthly budgets.
--
-- Concurrency: the caller has locked the job, and records once, when it changes its state.
-- Locks: as private.record_usage.
-- Returns: void
-- Errors: none.
create or replace function private.record_generation_usage(
  p_job public.generations, p_status text, p_cost numeric, p_usage jsonb
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_day date := (v_now at time zone private.setting('quota_timezone'))::date;
  v_update public.telegram_updates;
begin
  v_update.user_id := p_job.user_id;
  v_update.bot := p_job.bot;
  v_update.update_id := p_job.id;
  perform private.record_usage(
    v_update,
    jsonb_build_array(
      coalesce(p_usage, '{}') || jsonb_build_object(
        'provider', p_job.provider, 'model', p_job.model, 'kind', p_job.kind, 'status', p_status, 'cost', p_cost,
        'is_user_api_key', p_job.request ? 'user_api_key',
        'ms', (extract(epoch from v_now - coalesce(p_job.submitted_at, v_now)) * 1000)::bigint
      )
    ),
    p_status = 'ok'
  );
  if p_job.is_sold and p_cost > 0 then
    update public.monthly_api_usage as m
       set day_cost = greatest(m.day_cost - p_cost, 0), sold_cost = m.sold_cost + p_cost
     where m.user_id = p_job.user_id and m.month = date_trunc('month', v_day::timestamp)::date
       and m.provider = p_job.provider and m.model = p_job.model and not m.is_user_api_key;
    update public.daily_totals as t
       set sold_cost = t.sold_cost + p_cost
     where t.day = v_day and t.bot = p_job.bot and t.provider = p_job.provider and t.model = p_job.model
       and not t.is_user_api_key and t.shard = p_job.id & 15;
  end if;
end
$$;

revoke all on function private.record_generation_usage from public, anon, authenticated, service_role;
comment on function private.record_generation_usage is 'Records the call to the provider of a job';
