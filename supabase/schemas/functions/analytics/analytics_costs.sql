-- Returns what the AI cost in a period by model and by plan, and what the plans brought. Models: all calls until now, without those on
-- user API keys; sold is the part that users paid for from their balance. Plans: finished days alone; the plan is the one of the night after.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   models: [ {
--     provider: text, model: text, requests: int, calls: int, errors: int
--     cost: numeric, sold_cost: numeric       (US dollars)
--     sold: numeric                           (in balance_currency)
--   } ]                                       (the dearest first, 50 at most)
--   plans: [ { plan: text, calls: int, cost: numeric, revenue: [ { currency: text, net: numeric } ] } ]
--   balance_currency: text
--   rates: { [text]: float }                  (US dollars for one unit of a currency)
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_costs(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_found jsonb;
begin
  perform private.check_period(p_actor_id, p_from, p_until);
  with models as (
    select t.provider, t.model, sum(t.requests) as requests, sum(t.calls) as calls, sum(t.errors) as errors, sum(t.cost) as cost,
      sum(t.sold_cost) as sold_cost, sum(t.sold_amount) as sold
      from public.daily_totals as t
     where t.day between p_from and p_until and not t.is_user_api_key and t.model <> ''
     group by 1, 2
     order by sum(t.cost) desc, sum(t.calls) desc, 1, 2
     limit 50
  ), costs as (
    select c.plan, sum(c.calls) as calls, sum(c.cost) as cost
      from public.daily_ai_costs as c
     where c.day between p_from and p_until
     group by 1
  ), revenue as (
    select p.plan, r.currency, sum(r.gross - r.refunds) as net
      from private.revenue_rows(p_from, p_until) as r
      join public.products as p on p.key = r.product_key
     where p.plan is not null
     group by 1, 2
  )
  select jsonb_build_object(
      'models', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'provider', m.provider, 'model', m.model, 'requests', m.requests, 'calls', m.calls, 'errors', m.errors,
                'cost', trim_scale(round(m.cost, 6))::text, 'sold_cost', trim_scale(round(m.sold_cost, 6))::text,
                'sold', m.sold::text
              )
              order by m.cost desc, m.calls desc, m.provider, m.model
            ),
            '[]'::jsonb
          )
          from models as m
      ),
      'plans', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'plan', l.plan, 'calls', coalesce(c.calls, 0), 'cost', trim_scale(round(coalesce(c.cost, 0), 6))::text,
                'revenue', (
                  select coalesce(
                      jsonb_agg(jsonb_build_object('currency', r.currency, 'net', r.net::text) order by r.currency), '[]'::jsonb
                    )
                    from revenue as r
                   where r.plan = l.plan
                )
              )
              order by c.cost desc nulls last, l.plan
            ),
            '[]'::jsonb
          )
          from (select c.plan from costs as c union select r.plan from revenue as r) as l
          left join costs as c on c.plan = l.plan
      ),
      'balance_currency', private.setting('balance_currency'),
      'rates', private.setting('usd_rates')::jsonb
    )
    into v_found;
  return v_found;
end
$$;

revoke all on function public.analytics_costs from public, anon, authenticated, service_role;
grant execute on function public.analytics_costs to bot_backend;
comment on function public.analytics_costs is 'Returns what the AI cost by model and plan';
