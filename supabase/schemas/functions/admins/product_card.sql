-- Returns a product for an admin.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   key: text
--   kind: 'subscription' | 'credits' | 'balance' | 'course'
--   plan: text | null
--   period: 'month' | 'year' | null
--   quantity: numeric | null
--   texts: product_texts
--   is_active: boolean
--   prices: private.prices_of
-- Errors: none.
create or replace function private.product_card(p_product public.products)
returns jsonb
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'key', p_product.key,
    'kind', p_product.kind,
    'plan', p_product.plan,
    'period', p_product.period,
    'quantity', trim_scale(p_product.quantity)::text,
    'texts', p_product.texts,
    'is_active', p_product.is_active,
    'prices', private.prices_of(p_product.key)
  );
end
$$;

revoke all on function private.product_card from public, anon, authenticated, service_role;
comment on function private.product_card is 'Returns a product for an admin';
