-- Sums the AI cost of a day by the users' plans of now and by model, without calls on user API keys.
--
-- Concurrency: read-only. It reads the AI calls of this day, over a BRIN index.
-- Locks: none.
-- Returns: setof public.daily_ai_costs
-- Errors: none.
create or replace function private.ledger_ai_costs(p_day date)
returns setof public.daily_ai_costs
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_day, coalesce(l.plan, 'NONE'), a.provider, a.model, count(*)::integer, coalesce(sum(a.cost), 0)
    from public.api_usage as a
    left join public.users as u on u.id = a.user_id
    left join lateral (
      select s.plan
        from public.subscription_limits as s
       where s.vip_level <= u.vip_level
       order by s.vip_level desc
       limit 1
    ) as l on true
   where a.created_at >= private.day_start(p_day)
     and a.created_at < private.day_start(p_day + 1)
     and not a.is_user_api_key
   group by 2, 3, 4;
$$;

revoke all on function private.ledger_ai_costs from public, anon, authenticated, service_role;
comment on function private.ledger_ai_costs is 'Sums the AI cost of a day by plan and model';
