-- Returns which daily cost limit or monthly budget a job of p_cost US dollars would exceed, for jobs that are paid for with requests: the
-- owner pays for those. What other questions and jobs in progress may cost is added to what was spent.
--
-- Concurrency: the caller has locked the user. Jobs of one bot are serialized until the transaction ends.
-- Locks: an advisory lock of the bot, the one of private.is_within_bot_cost_limit; then as private.month_limit.
-- Returns: text, 'user_cost' | 'bot_cost' | 'user_month' | 'bot_month'; null: within all.
-- Errors: none.
create or replace function private.generation_cost_limit(p_user_id bigint, p_bot text, p_cost numeric)
returns text
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_day date := (v_now at time zone private.setting('quota_timezone'))::date;
  v_user_limit numeric := private.setting('daily_cost_user')::numeric;
  v_bot_limit numeric := private.setting('daily_cost_bot')::numeric;
  v_open numeric;
begin
  select coalesce(sum(o.cost), 0) into v_open
    from (
      select t.reserved_cost as cost
        from public.telegram_updates as t
       where t.user_id = p_user_id and t.status = 'working' and t.lease_until > v_now
      union all
      select g.max_cost
        from public.generations as g
       where g.user_id = p_user_id and g.state in ('reserved', 'submitting', 'submitted', 'copied') and not g.is_sold
    ) as o;
  if v_user_limit > 0 and private.user_cost(p_user_id, v_day) + v_open + p_cost > v_user_limit then
    return 'user_cost';
  elsif not v_bot_limit > 0 then
    return private.month_limit(
      p_user_id, p_bot, v_day, null, p_cost, private.monthly_budget(), private.monthly_budget(p_bot)
    );
  end if;
  perform pg_advisory_xact_lock(hashtextextended('cost of ' || p_bot, 0));
  select coalesce(sum(o.cost), 0) into v_open
    from (
      select t.reserved_cost as cost
        from public.telegram_updates as t
       where t.lease_until > v_now and t.status in ('working', 'failed') and t.bot = p_bot
      union all
      select g.max_cost
        from public.generations as g
       where g.bot = p_bot and g.state in ('reserved', 'submitting', 'submitted', 'copied') and not g.is_sold
    ) as o;
  if private.bot_cost(p_bot, v_day) + v_open + p_cost > v_bot_limit then
    return 'bot_cost';
  end if;
  return private.month_limit(
    p_user_id, p_bot, v_day, null, p_cost, private.monthly_budget(), private.monthly_budget(p_bot)
  );
end
$$;

revoke all on function private.generation_cost_limit from public, anon, authenticated, service_role;
comment on function private.generation_cost_limit is 'Which cost limit or budget a job would exceed';
