-- Returns why an amount cannot be the price of a product. p_providers: keys of the payment providers that sell it.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: jsonb
--   currency: text         (null instead of all of it: the price is usable)
--   reason: 'currency'     (not a currency code)
--     | 'number'           (not a plain number)
--     | 'zero'             (zero or below)
--     | 'decimals'         (more than the currency has, or more than two, zeros too: 1,000 may mean a thousand)
--     | 'minimum'          (below what provider, one of p_providers, charges)
--     | 'maximum'          (10,000 Stars a month, Telegram's limit of a subscription, else 99,999,999)
--   limit: numeric | null
--   provider: text | null
-- Errors: none.
create or replace function private.check_price(
  p_product public.products, p_currency text, p_amount text, p_providers jsonb
)
returns jsonb
language plpgsql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_problem constant jsonb := jsonb_build_object('currency', p_currency, 'limit', null, 'provider', null);
  v_is_stars_month constant boolean := p_currency = 'XTR' and coalesce(p_product.period = 'month', false);
  v_maximum constant numeric := case when v_is_stars_month then 10000 else 99999999 end;
  v_amount numeric;
  v_provider record;
begin
  if p_currency !~ '^[A-Z]{3,5}$' then
    return v_problem || '{"reason": "currency"}';
  elsif p_amount !~ '^-?[0-9]{1,20}([.][0-9]{1,20})?$' then
    return v_problem || '{"reason": "number"}';
  end if;
  v_amount := p_amount::numeric;
  if v_amount <= 0 then
    return v_problem || '{"reason": "zero"}';
  elsif length(split_part(p_amount, '.', 2)) > 2 or v_amount <> trunc(v_amount, private.currency_decimals(p_currency)) then
    return v_problem || jsonb_build_object('reason', 'decimals', 'limit', private.currency_decimals(p_currency)::text);
  elsif v_amount > v_maximum then
    return v_problem || jsonb_build_object(
      'reason', 'maximum', 'limit', v_maximum::text, 'provider', case when v_is_stars_month then 'telegram_stars' end
    );
  end if;
  select m.* into v_provider
    from private.price_minimums() as m
   where m.currency = p_currency and p_providers ? m.provider and m.minimum > v_amount
   order by m.minimum desc
   limit 1;
  if found then
    return v_problem || jsonb_build_object(
      'reason', 'minimum', 'limit', v_provider.minimum::text, 'provider', v_provider.provider
    );
  end if;
  return null;
end
$$;

revoke all on function private.check_price from public, anon, authenticated, service_role;
comment on function private.check_price is 'Returns why an amount cannot be the price of a product';
