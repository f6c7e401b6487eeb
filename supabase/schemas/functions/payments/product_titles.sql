-- Returns the titles of a product; languages without a title are left out.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   { [text]: text }      (by language)
-- Errors: none.
create or replace function private.product_titles(p_product_key text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(jsonb_object_agg(t.key, t.value -> 'title'), '{}')
    from public.products as p
    cross join jsonb_each(p.texts) as t
   where p.key = p_product_key and t.value ->> 'title' <> '';
$$;

revoke all on function private.product_titles from public, anon, authenticated, service_role;
comment on function private.product_titles is 'The titles of a product by language';
