-- Replaces the prices of a product by p_prices.
--
-- Concurrency: the caller holds the product's row.
-- Locks: the product's prices.
-- Returns: void
-- Errors: none.
create or replace function private.replace_prices(p_key text, p_prices jsonb)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from public.product_prices as c where c.product_key = p_key and not p_prices ? c.currency;
  insert into public.product_prices as c (product_key, currency, amount)
  select p_key, e.key, e.value::numeric from jsonb_each_text(p_prices) as e
  on conflict (product_key, currency) do update set amount = excluded.amount where c.amount <> excluded.amount;
end
$$;

revoke all on function private.replace_prices from public, anon, authenticated, service_role;
comment on function private.replace_prices is 'Replaces the prices of a product';
