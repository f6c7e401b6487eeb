-- Returns the refundable rest of a payment: the amount paid without refunds, disputes and open refund requests.
--
-- Concurrency: read-only; the result is stable while the caller holds the payment's lock.
-- Locks: none.
-- Returns: numeric, never negative.
-- Errors: none.
create or replace function private.refundable_amount(p_payment public.payments)
returns numeric
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select greatest(
      coalesce(p_payment.amount, 0) - p_payment.refunded - p_payment.disputed - coalesce(sum(r.amount), 0), 0
    )
    from public.refunds as r
   where r.payment_id = p_payment.id and r.status = 'open';
$$;

revoke all on function private.refundable_amount from public, anon, authenticated, service_role;
comment on function private.refundable_amount is 'Returns the refundable rest of a payment';
