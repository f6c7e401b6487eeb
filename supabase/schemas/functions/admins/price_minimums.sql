-- Lists the smallest amounts that payment providers charge, where they publish them.
--
-- Sources: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts (by currency; it applies to the
-- currency of the account, so a converted charge can still be refused);
-- https://yookassa.ru/developers/payment-methods/bank-card and the page on SBP: one ruble; Telegram Stars: one Star.
-- CloudPayments, Prodamus and Crypto Pay publish none.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: table, rows of provider, currency, minimum.
-- Errors: none.
create or replace function private.price_minimums()
returns table (provider text, currency text, minimum numeric)
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  values
    ('telegram_stars', 'XTR', 1),
    ('yookassa', 'RUB', 1),
    ('stripe', 'USD', 0.50), ('stripe', 'AED', 2), ('stripe', 'AUD', 0.50), ('stripe', 'BGN', 1), ('stripe', 'BRL', 0.50),
    ('stripe', 'CAD', 0.50), ('stripe', 'CHF', 0.50), ('stripe', 'CZK', 15), ('stripe', 'DKK', 2.50), ('stripe', 'EUR', 0.50),
    ('stripe', 'GBP', 0.30), ('stripe', 'HKD', 4), ('stripe', 'HUF', 175), ('stripe', 'INR', 0.50), ('stripe', 'JPY', 50),
    ('stripe', 'MXN', 10), ('stripe', 'MYR', 2), ('stripe', 'NOK', 3), ('stripe', 'NZD', 0.50), ('stripe', 'PLN', 2),
    ('stripe', 'RON', 2), ('stripe', 'SEK', 3), ('stripe', 'SGD', 0.50), ('stripe', 'THB', 10);
$$;

revoke all on function private.price_minimums from public, anon, authenticated, service_role;
comment on function private.price_minimums is 'Lists the smallest amounts that payment providers charge';
