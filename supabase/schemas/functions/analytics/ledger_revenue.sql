-- Sums the revenue of days from the ledger, by currency, provider, product, bot, source and month in which the buyer started.
--
-- Concurrency: read-only: it reads the operations of these days.
-- Locks: none.
-- Returns: setof public.daily_revenue
-- Errors: none.
create or replace function private.ledger_revenue(p_from date, p_until date)
returns setof public.daily_revenue
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select (m.happened_at at time zone z.zone)::date, m.currency, p.provider,
    coalesce(o.product_key, r.product_key, ''), coalesce(o.bot, r.bot, ''), private.user_source(m.user_id),
    coalesce(date_trunc('month', u.created_at at time zone z.zone)::date, '-infinity'),
    sum(m.paid), sum(m.back),
    (count(distinct m.payment_id) filter (where m.paid > 0))::integer,
    (count(distinct m.payment_id) filter (where m.back > 0))::integer
    from private.revenue_moves(private.day_start(p_from), private.day_start(p_until + 1)) as m
    cross join (select private.setting('quota_timezone') as zone) as z
    join public.payments as p on p.id = m.payment_id
    left join public.orders as o on o.id = p.order_id
    left join public.renewals as r on r.id = p.renewal_id
    left join public.users as u on u.id = m.user_id
   where m.paid + m.back > 0 and m.currency is not null
   group by 1, 2, 3, 4, 5, 6, 7;
end
$$;

revoke all on function private.ledger_revenue from public, anon, authenticated, service_role;
comment on function private.ledger_revenue is 'Sums the revenue of days from the ledger';
