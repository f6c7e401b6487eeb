-- What can be bought now, with its prices.
--
-- Twice or at once: only reads.
-- Returns: json [{key, kind, plan, period, quantity, texts, prices: {currency: amount}}] in their order; amounts and
--   quantities are text. Without a price a product is not for sale.
-- Errors: none.
create or replace function public.products_for_sale()
returns json
language sql
volatile
security definer
set search_path = ''
as $$
  select coalesce(
      json_agg(
        json_build_object(
          'key', p.key,
          'kind', p.kind,
          'plan', p.plan,
          'period', p.period,
          'quantity', trim_scale(p.quantity)::text,
          'texts', p.texts,
          'prices', s.prices
        )
        order by p.position, p.key
      ),
      '[]'
    )
    from public.products as p
    join lateral (
      select json_object_agg(c.currency, c.amount::text) as prices, count(*) as count
        from public.product_prices as c
       where c.product_key = p.key
    ) as s on s.count > 0
   where p.is_active;
$$;

revoke all on function public.products_for_sale from public, anon, authenticated;
grant execute on function public.products_for_sale to bot_backend, service_role;
comment on function public.products_for_sale is 'What can be bought now, with its prices';
