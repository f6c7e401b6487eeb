-- Returns whether an update may spend p_cost (US dollars) on AI calls within the daily cost limits and the monthly
-- budgets of the user and the bot, beside any request of the plan; if so, notes it on the update, so that questions at the same time see it.
--
-- Concurrency: the caller holds the update row.
-- Locks: as private.is_within_bot_cost_limit and private.month_limit.
-- Returns: boolean
-- Errors: none.
create or replace function private.may_spend(p_update public.telegram_updates, p_cost numeric)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_day date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_user_limit numeric := private.setting('daily_cost_user')::numeric;
  v_bot_limit numeric := private.setting('daily_cost_bot')::numeric;
  v_open numeric;
begin
  select coalesce(sum(t.reserved_cost), 0) into v_open
    from public.telegram_updates as t
   where t.user_id = p_update.user_id
     and t.status = 'working'
     and t.lease_until > (select private.clock())
     and (t.bot, t.update_id) <> (p_update.bot, p_update.update_id);
  if v_user_limit > 0 and private.user_cost(p_update.user_id, v_day) + v_open + p_cost > v_user_limit then
    perform private.alert_cost_limit(p_update.bot, v_day, 'user_cost', p_update.user_id);
    return false;
  elsif v_bot_limit > 0
    and not private.is_within_bot_cost_limit(p_update.bot, v_day, p_update.update_id, p_cost, v_bot_limit)
  then
    perform private.alert_cost_limit(p_update.bot, v_day, 'bot_cost', p_update.user_id);
    return false;
  end if;
  if private.month_limit(
    p_update.user_id, p_update.bot, v_day, p_update.update_id, p_cost, private.monthly_budget(),
    private.monthly_budget(p_update.bot)
  ) is not null then
    return false;
  end if;
  update public.telegram_updates as t
     set reserved_cost = p_cost
   where t.bot = p_update.bot and t.update_id = p_update.update_id;
  return true;
end
$$;

revoke all on function private.may_spend from public, anon, authenticated, service_role;
comment on function private.may_spend is 'Returns whether an update may spend money on AI calls';
