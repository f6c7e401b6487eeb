-- Returns why a payment must be held for review instead of being fulfilled: it does not pay what was agreed for its order or
-- renewal (one of both is null). The rules for amounts are those of private.claim_payment.
--
-- Concurrency: read-only. The caller holds the payment and its order or renewal, so of two payments for one order or period the
--   second one finds the first (p_has_other, private.is_period_paid).
-- Locks: none.
-- Returns: text, a payments.problem; null: the payment may be fulfilled.
-- Errors: none.
create or replace function private.payment_problem(
  p_payment public.payments, p_order public.orders, p_renewal public.renewals, p_has_other boolean, p_accept_test boolean
)
returns text
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_amount numeric := coalesce(p_order.amount, p_renewal.amount);
  v_currency text := coalesce(p_order.currency, p_renewal.currency);
  v_user_id bigint := coalesce(p_order.user_id, p_renewal.user_id);
  v_is_period boolean := p_renewal.id is not null
    or (p_order.renews and p_order.renewal_id is null and coalesce((p_payment.claims ->> 'is_invoice')::boolean, false));
  v_accepts_charged_amount boolean := v_is_period
    and (
      not coalesce((p_payment.claims ->> 'has_buyer_terms')::boolean, false)
      or (p_payment.amount >= v_amount and p_payment.currency = v_currency)
    );
begin
  return case
    when p_order.id is null and p_renewal.id is null then 'no_order'
    when p_payment.is_test and not p_accept_test then 'test'
    when not v_accepts_charged_amount and p_payment.currency is distinct from v_currency then 'currency'
    when not v_accepts_charged_amount and p_payment.amount <> v_amount then 'amount'
    when v_user_id is null or not coalesce(
      (p_payment.claims ->> 'telegram_id')::bigint = (select u.telegram_id from public.users as u where u.id = v_user_id), true
    ) then 'owner'
    when p_has_other and p_order.id is not null then 'second_charge'
    when p_order.id is not null and private.is_discount_gone(p_order) then 'withdrawn'
    when v_is_period
      and (p_payment.amount <> v_amount or p_payment.claims ? 'is_invoice')
      and private.is_period_paid(p_payment)
      then 'second_charge'
  end;
end
$$;

revoke all on function private.payment_problem from public, anon, authenticated, service_role;
comment on function private.payment_problem is 'Why a payment must be held for review';
