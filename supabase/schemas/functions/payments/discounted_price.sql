-- Takes percent off a price, rounded down to what the currency has (Stars and some currencies no fraction), and leaves
-- at least 1: less no provider takes.
--
-- Twice or at once: computes only.
-- Returns: the price to pay; the full one without a percentage, or where nothing can be taken off.
-- Errors: none.
create or replace function private.discounted_price(p_price numeric, p_currency text, p_percent integer)
returns numeric
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select least(
    p_price,
    greatest(
      1,
      trunc(
        p_price * (100 - coalesce(p_percent, 0)) / 100,
        private.currency_places(p_currency)
      )
    )
  );
$$;

revoke all on function private.discounted_price from public, anon, authenticated, service_role;
comment on function private.discounted_price is 'Takes percent off a price';
