-- Derives the sums and the status of a payment from its operations. Paid outweighs failed and canceled in any order of arrival;
-- a provider may report a period as paid without a charge (amount 0). Refunds and disputes in another currency than the
-- payment's are excluded (private.alarm_refund_currency).
--
-- Concurrency: the caller holds the payment's lock; derived from payment_operations alone.
-- Locks: payment (held by the caller).
-- Returns: public.payments, the updated row.
-- Errors: none.
create or replace function private.sum_payment(p_payment_id bigint)
returns public.payments
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_paid numeric;
  v_refunded numeric;
  v_disputed numeric;
  v_payment public.payments;
begin
  select
    sum(o.amount) filter (where o.kind = 'paid'),
    greatest(
      coalesce(sum(o.amount) filter (where o.kind = 'refund' and not o.is_undone), 0),
      coalesce(max(o.amount) filter (where o.kind = 'refund_total'), 0)
    ),
    coalesce(sum(o.amount) filter (where o.kind = 'dispute' and not o.is_undone), 0)
    into v_paid, v_refunded, v_disputed
    from public.payment_operations as o
   where o.payment_id = p_payment_id and not private.has_other_currency(o);
  update public.payments as p
     set amount = v_paid,
         refunded = v_refunded,
         disputed = v_disputed,
         status = case
           when v_paid > 0 and v_refunded + v_disputed >= v_paid then 'refunded'
           when v_paid is not null then 'completed'
           when p.is_canceled then 'canceled'
           when p.has_failed then 'failed'
           else 'pending'
         end,
         completed_at = case when v_paid is not null then coalesce(p.completed_at, private.clock()) end
   where p.id = p_payment_id
  returning p.* into v_payment;
  return v_payment;
end
$$;

revoke all on function private.sum_payment from public, anon, authenticated, service_role;
comment on function private.sum_payment is 'Derives the sums and the status of a payment';
