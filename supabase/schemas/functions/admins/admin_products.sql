-- Lists the products for an admin in their order, hidden ones included; with p_key only that one.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   products: [ private.product_card ]
--   balance_currency: text
-- Errors: N0001 neither an admin nor an author.
create or replace function public.admin_products(p_admin_email text, p_key text default null)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_author(p_admin_email);
  return jsonb_build_object(
    'products', (
      select coalesce(jsonb_agg(private.product_card(p) order by p.position, p.key), '[]'::jsonb)
        from public.products as p
       where p_key is null or p.key = p_key
    ),
    'balance_currency', private.setting('balance_currency')
  );
end
$$;

revoke all on function public.admin_products from public, anon, authenticated, service_role;
grant execute on function public.admin_products to bot_backend, service_role;
comment on function public.admin_products is 'Lists the products for an admin';
