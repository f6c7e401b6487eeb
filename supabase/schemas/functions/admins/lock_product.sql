-- Reads a product and locks it until the transaction ends.
--
-- Concurrency: the second caller waits for the first.
-- Locks: product (NO KEY UPDATE).
-- Returns: public.products, the product; null for no such one.
-- Errors: none.
create or replace function private.lock_product(p_key text)
returns public.products
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p.* from public.products as p where p.key = p_key for no key update;
$$;

revoke all on function private.lock_product from public, anon, authenticated, service_role;
comment on function private.lock_product is 'Reads a product and locks it until the transaction ends';
