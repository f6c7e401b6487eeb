-- Subtracts a percentage from a price. The result is rounded down to the currency's decimals (private.currency_decimals) and is
-- at least 1, the least that providers charge.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: numeric, the price to pay; the full price without a percentage, or if nothing can be subtracted.
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
        private.currency_decimals(p_currency)
      )
    )
  );
$$;

revoke all on function private.discounted_price from public, anon, authenticated, service_role;
comment on function private.discounted_price is 'Subtracts a percentage from a price';
