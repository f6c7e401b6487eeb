-- What can be bought now, with its prices, and what a person's discount makes of them.
--
-- Twice or at once: only reads.
-- Returns: jsonb [{key, kind, plan, period, quantity, texts, prices: {currency: amount}, discount}] in their order;
--   amounts and quantities are text. Without a price a product is not for sale. discount is {percent, until, prices},
--   with those prices alone that are lower, for whatever does not renew; null when there is none. Balance has no discount.
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
    cross join private.discount_of(p_user_id) as d
    join lateral (
      select
        jsonb_object_agg(c.currency, c.amount::text) as prices,
        jsonb_object_agg(c.currency, r.amount::text) filter (where r.amount < c.amount) as reduced,
        count(*) as count
        from public.product_prices as c
        cross join lateral private.discounted_price(
          c.amount, c.currency, case when p.kind <> 'balance' then d.percent end
        ) as r (amount)
       where c.product_key = p.key
    ) as s on s.count > 0
   where p.is_active;
$$;

revoke all on function public.products_for_sale from public, anon, authenticated, service_role;
grant execute on function public.products_for_sale to bot_backend;
comment on function public.products_for_sale is 'What can be bought now, with its prices';
