-- Refunds a charge that arrived after its user was erased, since it cannot be fulfilled, and has its subscription canceled at
-- the provider. A payment that was already under review before the erasure stays with the admins.
--
-- Concurrency: the caller holds the payment's lock; the refund's reference is unique per payment. The job `payments` executes
--   the refund like any other.
-- Locks: payment (held by the caller), renewal (private.save_orphaned_renewal).
-- Returns: void
-- Errors: none.
create or replace function private.refund_orphaned_payment(p_payment public.payments, p_before public.payments)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_payment.user_id is not null
    or coalesce(p_payment.order_id, p_payment.renewal_id) is null
    or p_payment.problem = 'test'
    or p_payment.provider = 'balance'
    -- Held for review before the erasure: an admin decides.
    or (p_before.amount is not null and p_before.problem is distinct from 'no_order')
  then
    return;
  end if;
  perform private.save_orphaned_renewal(p_payment.provider, p_payment.claims, true);
  insert into public.refunds (payment_id, amount, admin_email, reference)
  select p_payment.id, private.refundable_amount(p_payment), 'system', 'erased:' || p_payment.id
   where private.refundable_amount(p_payment) > 0
  on conflict (reference) do nothing;
end
$$;

revoke all on function private.refund_orphaned_payment from public, anon, authenticated, service_role;
comment on function private.refund_orphaned_payment is 'Refunds a charge that arrived after its user was erased';
