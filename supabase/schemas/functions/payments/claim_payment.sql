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
--   locked, because a renewal that begins replaces the others (private.replace_renewals); so are those of one user's upgrades of
--   courses, because a purchase lowers the price of one of them. Nothing has been fulfilled yet.
-- Locks: payment (held by the caller), order, an advisory lock of the user's upgrades or renewals, renewal.
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
begin
  select o.* into v_order
    from public.orders as o
   where o.id = (p_payment.claims ->> 'order_id')::bigint and o.provider = p_payment.provider
     for update;
  if (v_order.course_terms ->> 'credit')::numeric > 0 then
    perform pg_advisory_xact_lock(hashtextextended(format('upgrades of %s', v_order.user_id), 0));
  end if;
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
    v_order := null;  -- a later period
  else
    v_renewal := null;
  end if;
  update public.payments as p
     set order_id = v_order.id,
         renewal_id = coalesce(v_order.renewal_id, v_renewal.id),
         user_id = coalesce(v_order.user_id, v_renewal.user_id),
         problem = private.payment_problem(p, v_order, v_renewal, v_has_other, p_accept_test)
   where p.id = p_payment.id
  returning p.* into v_payment;
  return v_payment;
end
$$;

revoke all on function private.claim_payment from public, anon, authenticated, service_role;
comment on function private.claim_payment is 'Matches a payment to its order or renewal and checks it';
