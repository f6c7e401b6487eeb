-- Takes the price of a new job: requests, one by one from the plan while it has some, then bonus credits
-- (private.reserve_usage), or an amount of the balance. It is the most that the job can cost its user.
-- When it is not left completely, nothing is taken.
--
-- Concurrency: the caller has locked the user and just inserted the job.
-- Locks: job, as private.reserve_usage and public.adjust_balance.
-- Returns: text, 'taken', or why not: 'refused' (no requests left), 'no_balance', 'in_progress' (questions to the AI).
-- Errors: none.
create or replace function private.take_generation_price(
  p_job public.generations, p_user public.users, p_update_id bigint, p_requests integer, p_amount numeric
)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_quota record;
  v_reserved record;
  v_plan_requests integer := 0;
begin
  if p_requests > 0 then
    v_quota := private.quota(p_user.id, p_user.vip_level);
    -- Null where the plan has no limit.
    if p_requests > p_user.bonus_credits + greatest(
      least(v_quota.daily_requests - v_quota.requests, v_quota.monthly_requests - v_quota.month_requests), 0
    ) and coalesce(v_quota.daily_requests, v_quota.monthly_requests) is not null then
      return 'refused';
    end if;
  end if;
  for v_number in 1 .. p_requests loop
    -- The cost limits are checked by the caller (private.generation_cost_limit), which knows other jobs.
    v_reserved := private.reserve_usage(
      p_job.user_id, p_job.bot, p_update_id, 0, false, private.setting('quota_timezone')
    );
    if v_reserved.reservation <> 'reserved' then
      return v_reserved.reservation;
    end if;
    v_plan_requests := v_plan_requests + (v_reserved.reserved_from = 'plan')::integer;
  end loop;
  if p_requests > 0 then
    update public.generations as g set day = v_reserved.reserved_on where g.id = p_job.id;
  elsif p_amount > p_user.balance then
    return 'no_balance';
  elsif p_amount > 0 then
    perform public.adjust_balance(
      p_user.telegram_id, -p_amount, 'generation', format('generations:%s:reserved', p_job.id)
    );
  end if;
  insert into public.generation_effects (generation_id, effect, plan_requests, bonus_requests, amount)
  values (p_job.id, 'reserved', v_plan_requests, p_requests - v_plan_requests, p_amount);
  return 'taken';
end
$$;

revoke all on function private.take_generation_price from public, anon, authenticated, service_role;
comment on function private.take_generation_price is 'Takes the price of a new job';
