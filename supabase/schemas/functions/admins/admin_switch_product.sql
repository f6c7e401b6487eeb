-- Shows a product to buyers, or hides it, in an admin's name. A hidden product cannot be ordered; open orders are
-- still honoured and renewals go on.
--
-- Concurrency: the product's row is locked. With a reference it acts once. With p_expected, the prices that the admin
--   saw, a product is not shown at other prices.
-- Locks: product (NO KEY UPDATE).
-- Returns: jsonb
--   {
--     outcome: 'applied'   (switched, or it was like this already; also for a repetition)
--       | 'no_price'       (it has no price to show)
--       | 'changed'        (the prices are not p_expected)
--     product: private.product_card           (as it is now)
--   } | null               (no such product)
-- Errors: N0001 not an admin; N0003 the reference was used with another action or product.
create or replace function public.admin_switch_product(
  p_key text, p_is_active boolean, p_admin_email text, p_reference text default null, p_expected jsonb default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_product public.products := private.lock_product(p_key);
  v_known public.audit_log := case when v_product.key is not null then private.find_audit_entry(p_reference, 'switch_product', null) end;
  v_prices jsonb;
  v_outcome text := 'applied';
begin
  if v_product.key is null then
    return null;
  end if;
  v_prices := private.prices_of(p_key);
  if v_known.id is not null then
    if (v_known.after ->> 'product', (v_known.after ->> 'is_active')::boolean) is distinct from (p_key, p_is_active) then
      raise exception 'the reference was used with another product or state' using errcode = 'N0003';
    end if;
  elsif v_product.is_active <> p_is_active then
    v_outcome := case
      when not p_is_active then 'applied'
      when v_prices = '{}' then 'no_price'
      when v_prices <> p_expected then 'changed'
      else 'applied'
    end;
    if v_outcome = 'applied' then
      update public.products as p set is_active = p_is_active where p.key = p_key returning p.* into v_product;
      perform private.write_audit(
        v_email, 'switch_product', null, p_reference,
        jsonb_build_object('product', p_key, 'is_active', not p_is_active),
        jsonb_build_object('product', p_key, 'is_active', p_is_active, 'prices', v_prices)
      );
    end if;
  end if;
  return jsonb_build_object('outcome', v_outcome, 'product', private.product_card(v_product));
end
$$;

revoke all on function public.admin_switch_product from public, anon, authenticated, service_role;
grant execute on function public.admin_switch_product to bot_backend, service_role;
comment on function public.admin_switch_product is 'Shows a product to buyers, or hides it';
