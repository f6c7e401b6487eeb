-- Matches a payment to our order, or to a period of a renewal (or both: an order that we made for a period), and checks that it
-- pays what was agreed; otherwise sets the problem that holds it for review.
--
-- An order must be paid with its own amount and currency. A period of a subscription that the provider renews by itself may
-- cost anything that the provider calls paid, because credit, coupons, proration and tax change the charge. This does not hold
-- if the buyer may have set the terms (has_buyer_terms: CloudPayments, where the browser can begin a subscription, and a
-- payment by a link of Prodamus): a lower amount than agreed, or another currency, is held.
--
-- Concurrency: the caller holds the payment's lock. The order's lock makes the second of two charges for one order a
--   second_charge. Payments of one user's renewals are serialized by an advisory lock, taken before any renewal or user is
--   locked, because a renewal that begins replaces the others (private.replace_renewals). Nothing has been fulfilled yet.
-- Locks: payment (held by the caller), order, an advisory lock of the user's renewals, renewal.
-- Returns: public.payments, the row with its order or renewal, its user and its problem (null: it may be fulfilled).
-- Errors: none.
create or replace function private.claim_payment(p_payment public.payments, p_accept_test boolean)
returns public.payments
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payment public.payments := p_payment;
  v_order public.orders;
  v_renewal public.renewals;
  v_has_other boolean;
  v_amount numeric;
  v_currency text;
  v_user_id bigint;
  v_is_period boolean;
  v_costs_what_is_charged boolean;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = (p_payment.claims ->> 'order_id')::bigint and o.provider = p_payment.provider
     for update;
  if v_order.renews or p_payment.claims ? 'subscription_id' then
    perform pg_advisory_xact_lock(
      hashtextextended(
        'renewals:' || coalesce(
          v_order.user_id,
          (
            select r.user_id
              from public.renewals as r
             where r.provider = p_payment.provider
               and r.provider_subscription_id = p_payment.claims ->> 'subscription_id'
          ),
          0
        ),
        0
      )
    );
  end if;
  select r.* into v_renewal
    from public.renewals as r
   where r.id = v_order.renewal_id
      or (
        r.provider = p_payment.provider
        and r.provider_subscription_id = p_payment.claims ->> 'subscription_id'
      )
     for update;
  v_has_other := exists (
    select from public.payments as p
     where p.order_id = v_order.id and p.id <> p_payment.id and p.problem is null and p.amount is not null
  );
  if v_renewal.id is not null and v_order.renewal_id is null and (v_order.id is null or v_has_other) then
    v_order := null;
    v_amount := v_renewal.amount;
    v_currency := v_renewal.currency;
    v_user_id := v_renewal.user_id;
  else
    v_renewal := null;
    v_amount := v_order.amount;
    v_currency := v_order.currency;
    v_user_id := v_order.user_id;
  end if;
  v_is_period := v_renewal.id is not null
    or (v_order.renews and v_order.renewal_id is null and coalesce((p_payment.claims ->> 'is_invoice')::boolean, false));
  v_costs_what_is_charged := v_is_period
    and (
      not coalesce((p_payment.claims ->> 'has_buyer_terms')::boolean, false)
      or (p_payment.amount >= v_amount and p_payment.currency = v_currency)
    );

  update public.payments as p
     set order_id = v_order.id,
         renewal_id = coalesce(v_order.renewal_id, v_renewal.id),
         user_id = v_user_id,
         problem = case
           when v_order.id is null and v_renewal.id is null then 'no_order'
           when p.is_test and not p_accept_test then 'test'
           when not v_costs_what_is_charged and p.currency is distinct from v_currency then 'currency'
           when not v_costs_what_is_charged and p.amount <> v_amount then 'amount'
           when v_user_id is null or not coalesce(
             (p.claims ->> 'telegram_id')::bigint
             = (select u.telegram_id from public.users as u where u.id = v_user_id),
             true
           ) then 'owner'
           when v_has_other and v_order.id is not null then 'second_charge'
           when v_order.id is not null and private.is_discount_gone(v_order) then 'withdrawn'
           when v_is_period
             and (p.amount <> v_amount or p.claims ? 'is_invoice')
             and private.is_period_paid(p)
             then 'second_charge'
         end
   where p.id = p_payment.id
  returning p.* into v_payment;
  return v_payment;
end
$$;

revoke all on function private.claim_payment from public, anon, authenticated, service_role;
comment on function private.claim_payment is 'Matches a payment to its order or renewal and checks it';
