-- Returns what a payment for a plan costs a month: its amount, or the price of the renewal where nothing was charged (from credit), a
-- twelfth of it for a year.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, null without an amount.
-- Errors: none.
create or replace function private.monthly_price(p_payment public.payments, p_period text)
returns numeric
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select nullif(
    round(
      coalesce(
        nullif(p_payment.amount, 0), (select r.amount from public.renewals as r where r.id = p_payment.renewal_id)
      ) / case p_period when 'year' then 12 else 1 end,
      2
    ),
    0
  );
$$;

revoke all on function private.monthly_price from public, anon, authenticated, service_role;
comment on function private.monthly_price is 'Returns what a payment for a plan costs a month';
