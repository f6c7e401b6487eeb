-- Returns the prices of a product.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { [text]: numeric }    (by currency, with two decimals; empty without a price)
-- Errors: none.
create or replace function private.prices_of(p_key text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(c.currency, c.amount::text), '{}')
    from public.product_prices as c
   where c.product_key = p_key;
$$;

revoke all on function private.prices_of from public, anon, authenticated, service_role;
comment on function private.prices_of is 'Returns the prices of a product';
