-- Changes prices of a product in an admin's name: p_prices {currency: amount as text, or null to remove it}. Without
-- p_is_confirmed it changes nothing and returns what would change.
--
-- A new price applies to orders created from now on. An open order keeps its amount until it expires, and a renewal
-- keeps the amount it started with (orders.amount, renewals.amount).
--
-- Concurrency: the product's row is locked. With a reference it acts once. With p_expected, the prices that the admin
--   saw, nothing changes if another admin changed them since.
-- Locks: product (NO KEY UPDATE).
-- Returns: jsonb
--   {
--     outcome: 'applied'   (changed; also for a repetition)
--       | 'preview'        (not confirmed)
--       | 'refused'        (see problems)
--       | 'changed'        (the prices are not p_expected)
--       | 'unchanged'      (the prices are these already)
--       | 'last'           (it is on sale, and this would remove its last price)
--     product: private.product_card           (as it is now)
--     before: private.prices_of
--     after: private.prices_of
--     jumps: { [text]: numeric }              (by currency, how many times the old price; from threefold up, from a third down)
--     problems: [ private.check_price ]
--   } | null               (no such product)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, product or prices; N0004 p_prices is
--   invalid.
create or replace function public.admin_set_prices(
  p_key text,
  p_prices jsonb,
  p_admin_email text,
  p_reference text default null,
  p_expected jsonb default null,
  p_providers jsonb default '[]',
  p_is_confirmed boolean default false
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
  v_known public.audit_log := case when v_product.key is not null then private.find_audit_entry(p_reference, 'set_prices', null) end;
  v_before jsonb;
  v_after jsonb;
  v_problems jsonb;
  v_outcome text;
begin
  if jsonb_typeof(p_prices) is distinct from 'object' or p_prices = '{}' then
    raise exception 'the prices must be an object with at least one currency' using errcode = 'N0004';
  end if;
  if v_product.key is null then
    return null;
  end if;
  if v_known.id is not null then
    if (v_known.after ->> 'product', v_known.after -> 'changed') is distinct from (p_key, p_prices) then
      raise exception 'the reference was used with another product or price' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'outcome', 'applied', 'product', private.product_card(v_product), 'before', v_known.before -> 'prices',
      'after', v_known.after -> 'prices', 'jumps', '{}'::jsonb, 'problems', '[]'::jsonb
    );
  end if;

  v_before := private.prices_of(p_key);
  select coalesce(jsonb_agg(t.problem order by t.currency), '[]')
    into v_problems
    from (
      select e.key as currency, private.check_price(v_product, e.key, e.value, p_providers) as problem
        from jsonb_each_text(p_prices) as e
       where e.value is not null or e.key !~ '^[A-Z]{3,5}$'
    ) as t
   where t.problem is not null;
  if v_problems <> '[]' then
    v_outcome := 'refused';
    v_after := v_before;
  else
    select coalesce(jsonb_object_agg(e.key, round(e.value::numeric, 2)::text) filter (where e.value is not null), '{}')
      into v_after
      from jsonb_each_text(v_before || p_prices) as e;
    v_outcome := case
      when v_before <> p_expected then 'changed'
      when v_after = v_before then 'unchanged'
      when v_after = '{}' and v_product.is_active then 'last'
      when not coalesce(p_is_confirmed, false) then 'preview'
      else 'applied'
    end;
  end if;
  if v_outcome = 'applied' then
    perform private.replace_prices(p_key, v_after);
    perform private.write_audit(
      v_email, 'set_prices', null, p_reference,
      jsonb_build_object('product', p_key, 'prices', v_before),
      jsonb_build_object('product', p_key, 'prices', v_after, 'changed', p_prices)
    );
  end if;
  return jsonb_build_object(
    'outcome', v_outcome,
    'product', private.product_card(v_product),
    'before', v_before,
    'after', v_after,
    'jumps', private.price_jumps(v_before, v_after),
    'problems', v_problems
  );
end
$$;

revoke all on function public.admin_set_prices from public, anon, authenticated, service_role;
grant execute on function public.admin_set_prices to bot_backend, service_role;
comment on function public.admin_set_prices is 'Changes prices of a product in an admin''s name';
