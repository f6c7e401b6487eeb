-- Begins a change of a product in an admin's name: checks the admin, locks the product, and looks for an earlier call with the
-- same reference.
--
-- Twice or at once: the product's row stays locked until the caller commits.
-- Locks: product (NO KEY UPDATE).
-- Returns: email: the admin's, as it is written down; product: null for no such product; known: what was written for this
--   reference, see private.known_action.
-- Errors: N0001 not an admin; N0003 the reference is known with another action.
create or replace function private.begin_product_change(
  p_key text, p_action text, p_admin_email text, p_reference text,
  out email text, out product public.products, out known public.audit_log
)
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  email := private.require_admin(p_admin_email);
  select p.* into product from public.products as p where p.key = p_key for no key update;
  if found then
    known := private.known_action(p_reference, p_action, null);
  end if;
end
$$;

revoke all on function private.begin_product_change from public, anon, authenticated, service_role;
comment on function private.begin_product_change is 'Begins a change of a product in an admin''s name';
