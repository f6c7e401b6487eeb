-- Brings a payment up to date after its operations changed: derives its sums and status, matches it to its order or renewal,
-- fulfils it or holds it for review, and reverses the refunded and disputed share. A payment of an erased user is refunded.
--
-- Concurrency: the caller holds the payment's lock. Everything is derived from stored rows, so a repetition changes nothing and
--   sends nothing again.
-- Locks: payment, order (before any user), as private.claim_payment (the order's lock, an advisory lock of the user's renewals,
--   renewal), unlinked events of the payment (SKIP LOCKED), then users by id (NO KEY UPDATE).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.settle_payment(p_payment_id bigint, p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before public.payments;
  v_payment public.payments;
  v_outgoing jsonb := '[]'::jsonb;
  v_is_new boolean;
begin
  select p.* into v_before from public.payments as p where p.id = p_payment_id for update;
  perform from public.orders as o where o.id = v_before.order_id for no key update;  -- before any user
  v_payment := private.sum_payment(p_payment_id);
  if v_payment.amount is null then
    if v_payment.status in ('failed', 'canceled') and v_payment.status <> v_before.status then
      return private.record_order_failure(
        v_payment.provider,
        v_payment.claims || jsonb_build_object('kind', v_payment.status)
      );
    end if;
    return v_outgoing;
  end if;

  v_is_new := not exists (select from public.payment_effects as e where e.payment_id = p_payment_id);
  if v_is_new then
    v_payment := private.claim_payment(v_payment, p_accept_test);
    if coalesce(v_before.order_id, v_before.renewal_id) is null
      and coalesce(v_payment.order_id, v_payment.renewal_id) is not null
    then
      perform private.link_events_of_payment(v_payment);
    end if;
    if v_payment.problem is not null then
      -- No alarm for an unmatched or repeated invoice of amount 0.
      if v_payment.problem is distinct from v_before.problem
        and (v_payment.amount > 0 or v_payment.problem not in ('no_order', 'second_charge'))
      then
        if not private.is_orphan_reported(v_payment) then
          v_outgoing := v_outgoing || private.alarm_payment_problem(v_payment, v_payment.problem);
        end if;
        v_outgoing := v_outgoing || private.notify_payment_held(v_payment);
      end if;
      perform private.refund_orphaned_payment(v_payment, v_before);
      if v_payment.refunded > v_before.refunded then
        v_outgoing := v_outgoing || private.notify_refund(v_payment, v_before);
      end if;
      return v_outgoing || private.edit_invitation(v_payment.order_id);
    end if;
    v_outgoing := v_outgoing || private.fulfil_payment(v_payment);
  end if;
  v_outgoing := v_outgoing || private.reverse_fulfilment(v_payment, v_before);
  if v_payment.disputed > v_before.disputed then
    v_outgoing := v_outgoing || private.alarm_payment_problem(v_payment, 'dispute');
  end if;
  return v_outgoing || private.edit_invitation(v_payment.order_id);
end
$$;

revoke all on function private.settle_payment from public, anon, authenticated, service_role;
comment on function private.settle_payment is 'Brings a payment and its fulfilment up to date';
