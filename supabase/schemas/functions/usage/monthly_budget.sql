-- Returns the monthly budget of each user or of a bot in US dollars: the setting monthly_cost_user; for a bot monthly_cost_bot, or
-- monthly_cost_bot:<bot> where there is one.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric; null or 0: no limit.
-- Errors: none.
create or replace function private.monthly_budget(p_bot text default null)
returns numeric
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_bot is null then
    return private.setting('monthly_cost_user')::numeric;
  end if;
  return coalesce(private.setting('monthly_cost_bot:' || p_bot), private.setting('monthly_cost_bot'))::numeric;
end
$$;

revoke all on function private.monthly_budget from public, anon, authenticated, service_role;
comment on function private.monthly_budget is 'Returns the monthly budget of each user or of a bot';
