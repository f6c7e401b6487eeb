-- Lists the products on sale with their prices and the user's discounted prices, sorted by position. A product without a price
-- is not on sale. Renewing purchases and top-ups have no discount. A higher tier of a course costs the user the difference, and
-- a tier that they have is left out (private.course_terms).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     key: text
--     kind: 'subscription' | 'credits' | 'balance' | 'course'
--     plan: text | null
--     period: 'month' | 'year' | null
--     quantity: numeric | null
--     texts: product_texts
--     prices: { [text]: numeric }             (by currency)
--     discount: { percent: int, until: timestamptz | null, prices: { [text]: numeric } } | null
--                                             (prices that the discount lowers; null: no discount)
--   } ]                                       (by position)
-- Errors: none.
create or replace function public.products_for_sale(p_user_id bigint default null)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'key', p.key,
          'kind', p.kind,
          'plan', p.plan,
          'period', p.period,
          'quantity', trim_scale(p.quantity)::text,
          'texts', p.texts,
          'prices', s.prices,
          'discount', case when s.reduced is not null then jsonb_build_object(
            'percent', d.percent, 'until', d.expires_at, 'prices', s.reduced
          ) end
        )
        order by p.position, p.key
      ),
      '[]'
    )
    from public.products as p
    cross join private.find_discount(p_user_id) as d
    join lateral (
      select
        jsonb_object_agg(c.currency, c.amount::text) as prices,
        jsonb_object_agg(c.currency, r.amount::text) filter (where r.amount < c.amount) as reduced,
        count(*) as count
        from (
          select c.currency, c.amount from public.product_prices as c where c.product_key = p.key and p.kind <> 'course'
          union all
          select c.currency, t.price
            from public.product_prices as c
            cross join lateral private.course_terms(p_user_id, p.key, c.currency, c.amount) as t
           where c.product_key = p.key and p.kind = 'course' and t.reason is null
        ) as c
        cross join lateral private.discounted_price(
          c.amount, c.currency, case when p.kind <> 'balance' then d.percent end
        ) as r (amount)
    ) as s on s.count > 0
   where p.is_active;
$$;

revoke all on function public.products_for_sale from public, anon, authenticated, service_role;
grant execute on function public.products_for_sale to bot_backend;
comment on function public.products_for_sale is 'Products on sale with their prices';
