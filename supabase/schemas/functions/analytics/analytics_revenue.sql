-- Returns the revenue of a period by currency, product, provider, bot and source of the buyers. Gross is what was received, net is without
-- what was returned, each on its own day; test payments and purchases from the balance are left out (private.revenue_moves).
--
-- cohorts: what users who started in each of the last twelve months have paid so far, refunds subtracted.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   step: 'day' | 'week' | 'month'
--   currencies: [ { currency: text, gross: numeric, refunds: numeric, net: numeric, payments: int, refunded: int } ]
--   points: [ { start: date, currency: text, gross: numeric, refunds: numeric, net: numeric } ]
--   groups: [ {
--     dimension: 'product' | 'provider' | 'bot' | 'source'
--     key: text, texts: product_texts | null, name: text | null, currency: text
--     gross: numeric, refunds: numeric, net: numeric, payments: int
--   } ]                             (the greatest first; name: of the advertisement's link)
--   cohorts: [ { month: date, users: int, currency: text, net: numeric } ]
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_revenue(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_step text := private.check_period(p_actor_id, p_from, p_until);
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_found jsonb;
begin
  with rows as materialized (
    select r.* from private.revenue_rows(p_from, p_until) as r
  ), grouped as (
    select k.dimension, k.key, r.currency, sum(r.gross) as gross, sum(r.refunds) as refunds, sum(r.payments) as payments
      from rows as r
      cross join lateral (
        values ('product', r.product_key), ('provider', r.provider), ('bot', r.bot), ('source', r.source)
      ) as k (dimension, key)
     group by 1, 2, 3
  ), cohorts as (
    select r.cohort_month, r.currency, sum(r.gross - r.refunds) as net
      from private.revenue_rows(least(p_until, v_today) - 365, least(p_until, v_today)) as r
     where r.cohort_month >= date_trunc('month', p_until::timestamp) - interval '11 months'
     group by 1, 2
  )
  select jsonb_build_object(
      'step', v_step,
      'currencies', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'currency', c.currency, 'gross', c.gross::text, 'refunds', c.refunds::text,
                'net', (c.gross - c.refunds)::text, 'payments', c.payments, 'refunded', c.refunded
              )
              order by c.currency
            ),
            '[]'::jsonb
          )
          from (
            select r.currency, sum(r.gross) as gross, sum(r.refunds) as refunds, sum(r.payments) as payments,
              sum(r.refunded) as refunded
              from rows as r
             group by 1
          ) as c
      ),
      'points', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'start', p.start, 'currency', p.currency, 'gross', p.gross::text, 'refunds', p.refunds::text,
                'net', (p.gross - p.refunds)::text
              )
              order by p.start, p.currency
            ),
            '[]'::jsonb
          )
          from (
            select date_trunc(v_step, r.day::timestamp)::date as start, r.currency, sum(r.gross) as gross, sum(r.refunds) as refunds
              from rows as r
             group by 1, 2
          ) as p
      ),
      'groups', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'dimension', g.dimension, 'key', g.key,
                'texts', case
                  when g.dimension = 'product' then (select p.texts from public.products as p where p.key = g.key)
                end,
                'name', case
                  when g.dimension = 'source' then (select l.name from public.ad_links as l where 'ad_' || l.key = g.key)
                end,
                'currency', g.currency, 'gross', g.gross::text, 'refunds', g.refunds::text,
                'net', (g.gross - g.refunds)::text, 'payments', g.payments
              )
              order by g.dimension, g.currency, g.gross - g.refunds desc, g.key
            ),
            '[]'::jsonb
          )
          from grouped as g
      ),
      'cohorts', (
        select coalesce(
            jsonb_agg(
              jsonb_build_object(
                'month', c.cohort_month,
                'users', (
                  select coalesce(sum(t.new_users), 0)
                    from public.daily_totals as t
                   where t.day >= c.cohort_month and t.day < c.cohort_month + interval '1 month' and t.bot = '' and t.provider = '' and t.model = ''
                ),
                'currency', c.currency, 'net', c.net::text
              )
              order by c.cohort_month, c.currency
            ),
            '[]'::jsonb
          )
          from cohorts as c
      )
    )
    into v_found;
  return v_found;
end
$$;

revoke all on function public.analytics_revenue from public, anon, authenticated, service_role;
grant execute on function public.analytics_revenue to bot_backend;
comment on function public.analytics_revenue is 'Returns the revenue of a period';
