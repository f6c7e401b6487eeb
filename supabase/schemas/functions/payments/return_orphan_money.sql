-- Gives back what an erased user was charged after the erasure: nothing can be given for it. A subscription that it was
-- paid for is to be stopped at the provider.
--
-- Twice or at once: the caller holds the payment's row; one refund is opened for a payment. The job of payments asks the
--   provider for it like for any other.
-- Returns: nothing.
-- Errors: none.
create or replace function private.return_orphan_money(p_payment public.payments, p_before public.payments)
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
    -- Money that was held before the erasure waits for an admin as before.
    or (p_before.amount is not null and p_before.problem is distinct from 'no_order')
  then
    return;
  end if;
  perform private.keep_orphan(p_payment.provider, p_payment.claims, true);
  insert into public.refunds (payment_id, amount, admin_email, reference)
  select p_payment.id, private.left_of(p_payment), 'system', 'erased:' || p_payment.id
   where private.left_of(p_payment) > 0
  on conflict (reference) do nothing;
end
$$;

revoke all on function private.return_orphan_money from public, anon, authenticated, service_role;
comment on function private.return_orphan_money is 'Gives back what an erased user was charged after the erasure';
