-- Returns what a bot spent on AI calls in the month of a day, in US dollars, without the calls on user API keys and without what
-- users paid for from their balance. p_day is today in the time zone of the quota.
--
-- Concurrency: the counter of past days ends two days ago, because a transaction that began yesterday may still add to that
--   day. Calls at once compute the same counter.
-- Locks: once a day the bot's row of bot_month_costs.
-- Returns: numeric
-- Errors: none.
create or replace function private.bot_month_cost(p_bot text, p_day date)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_month date := date_trunc('month', p_day::timestamp)::date;
  v_through date := greatest(p_day - 2, v_month - 1);
  v_known record;
begin
  select c.through, c.cost into v_known from private.bot_month_costs as c where c.bot = p_bot and c.month = v_month;
  if not found or v_known.through < v_through then
    insert into private.bot_month_costs as c (bot, month, through, cost)
    select p_bot, v_month, v_through, coalesce(sum(t.cost - t.sold_cost), 0)
      from public.daily_totals as t
     where t.day between v_month and v_through and t.bot = p_bot and not t.is_user_api_key
    on conflict (bot, month) do update
      set through = greatest(c.through, excluded.through),
          cost = case when c.through < excluded.through then excluded.cost else c.cost end
    returning c.through, c.cost into v_known;
  end if;
  return v_known.cost + (
    select coalesce(sum(t.cost - t.sold_cost), 0)
      from public.daily_totals as t
     where t.day > v_known.through and t.day <= p_day and t.bot = p_bot and not t.is_user_api_key
  );
end
$$;

revoke all on function private.bot_month_cost from public, anon, authenticated, service_role;
comment on function private.bot_month_cost is 'Returns what a bot spent on AI calls in a month';
