-- Takes what an answer costs beyond its one request: from the plan while its day and its month have some left, then from bonus
-- credits. What is not left is not taken: the handler has checked before, and questions at once may have passed that together.
--
-- p_update: a served update, whose reserved_on is the day.
--
-- Concurrency: the user's row is locked; the caller holds the update row and calls once.
-- Locks: user (NO KEY UPDATE), daily_usage, monthly_usage.
-- Returns: void
-- Errors: none.
create or replace function private.charge_extra_requests(p_update public.telegram_updates, p_count integer)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user record;
  v_quota record;
  v_plan integer;
  v_bonus integer;
begin
  select u.vip_level, u.bonus_credits into v_user
    from public.users as u
   where u.id = p_update.user_id
     for no key update;
  v_quota := private.quota(p_update.user_id, v_user.vip_level);
  -- least() leaves out what is null: without a limit.
  v_plan := greatest(
    least(p_count, v_quota.daily_requests - v_quota.requests, v_quota.monthly_requests - v_quota.month_requests), 0
  );
  v_bonus := least(p_count - v_plan, v_user.bonus_credits);
  if v_bonus > 0 then
    update public.users as u set bonus_credits = u.bonus_credits - v_bonus where u.id = p_update.user_id;
  end if;
  update public.daily_usage as u
     set requests = u.requests + v_plan, bonus_requests = u.bonus_requests + v_bonus
   where u.user_id = p_update.user_id and u.bot = p_update.bot and u.day = p_update.reserved_on;
  update public.monthly_usage as u
     set requests = u.requests + v_plan, bonus_requests = u.bonus_requests + v_bonus
   where u.user_id = p_update.user_id and u.month = date_trunc('month', p_update.reserved_on::timestamp)::date;
end
$$;

revoke all on function private.charge_extra_requests from public, anon, authenticated, service_role;
comment on function private.charge_extra_requests is 'Takes what an answer costs beyond its one request';
