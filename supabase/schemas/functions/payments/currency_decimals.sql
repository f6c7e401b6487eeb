-- Returns the number of decimals of a currency: none for Stars and currencies without a fraction, otherwise two.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: integer, 0 or 2.
-- Errors: none.
create or replace function private.currency_decimals(p_currency text)
returns integer
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_currency in (
      'XTR', 'BIF', 'CLP', 'DJF', 'GNF', 'JPY', 'KMF', 'KRW', 'MGA', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF'
    ) then 0
    else 2
  end;
$$;

revoke all on function private.currency_decimals from public, anon, authenticated, service_role;
comment on function private.currency_decimals is 'Returns the number of decimals of a currency';
