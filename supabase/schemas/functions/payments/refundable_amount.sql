-- Says how much of a payment can still be given back: what was paid, without what went back, is disputed, or is being
-- given back now.
--
-- Twice or at once: only reads; it stays true for whoever holds the payment's row.
-- Returns: the sum, never below zero.
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
comment on function private.refundable_amount is 'How much of a payment can still be given back';
