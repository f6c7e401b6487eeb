-- Records the call to the provider of a job (private.record_usage). The cost of a job that was paid for from the balance is
-- left out of the daily cost limits and the monthly budgets; what the user paid for it is counted beside it. A job that succeeded
-- at a provider that reports no cost costs what the catalogue said before it (generations.max_cost).
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
  v_cost numeric := case when p_status = 'ok' then coalesce(p_cost, p_job.max_cost) else p_cost end;
  v_amount numeric := 0;
begin
  v_update.user_id := p_job.user_id;
  v_update.bot := p_job.bot;
  v_update.update_id := p_job.id;
  perform private.record_usage(
    v_update,
    jsonb_build_array(
      coalesce(p_usage, '{}') || jsonb_build_object(
        'provider', p_job.provider, 'model', p_job.model, 'kind', p_job.kind, 'status', p_status, 'cost', v_cost,
        'is_user_api_key', p_job.request ? 'user_api_key',
        'ms', (extract(epoch from v_now - coalesce(p_job.submitted_at, v_now)) * 1000)::bigint
      )
    ),
    p_status = 'ok'
  );
  if p_job.is_sold and v_cost > 0 then
    update public.monthly_api_usage as m
       set day_cost = greatest(m.day_cost - v_cost, 0), sold_cost = m.sold_cost + v_cost
     where m.user_id = p_job.user_id and m.month = date_trunc('month', v_day::timestamp)::date
       and m.provider = p_job.provider and m.model = p_job.model and not m.is_user_api_key;
    if p_status = 'ok' then
      select coalesce(sum(e.amount), 0) into v_amount
        from public.generation_effects as e
       where e.generation_id = p_job.id;
    end if;
    update public.daily_totals as t
       set sold_cost = t.sold_cost + v_cost,
           sold_amount = t.sold_amount + v_amount
     where t.day = v_day and t.bot = p_job.bot and t.provider = p_job.provider and t.model = p_job.model
       and not t.is_user_api_key and t.shard = p_job.id & 15;
  end if;
end
$$;

revoke all on function private.record_generation_usage from public, anon, authenticated, service_role;
comment on function private.record_generation_usage is 'Records the call to the provider of a job';
