-- Returns what a bot spent on AI calls on a day, in US dollars, without the calls on user API keys and without what users
-- paid for from their balance.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, the sum over the bot's rows of the day.
-- Errors: none.
create or replace function private.bot_cost(p_bot text, p_day date)
returns numeric
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select coalesce(sum(t.cost - t.sold_cost), 0)
      from public.daily_totals as t
     where t.day = p_day and t.bot = p_bot and not t.is_user_api_key
  );
end
$$;

revoke all on function private.bot_cost from public, anon, authenticated, service_role;
comment on function private.bot_cost is 'Returns what a bot spent on AI calls on a day';
