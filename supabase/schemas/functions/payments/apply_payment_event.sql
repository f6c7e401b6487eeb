-- Applies one payment event (shared/payments/events.py) to its payment: stores what it says of the payment, then brings the
-- payment up to date (private.settle_payment). An event of a subscription changes its renewal instead; one without a payment is
-- about an attempt that never became a charge and changes its order only. Events of kind other change nothing.
--
-- Concurrency: the payment is inserted once and its row locked. Each operation is stored under the provider's id
--   (private.upsert_operation), so a repeated event changes no sum. A decided dispute and a failed refund stay so, whatever
--   events arrive later.
-- Locks: payment, then as private.settle_payment (order, renewal, users by id), then the refund that the event decides. Without
--   a payment: order and renewal, or the renewal alone. The caller holds the users and discounts (private.lock_payers).
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: M0001 an amount is missing or negative (private.upsert_operation); M0002 no user has the subscription
--   (private.change_renewal).
create or replace function private.apply_payment_event(p_provider text, p_event jsonb, p_accept_test boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_kind text := p_event ->> 'kind';
  v_payment public.payments;
  v_is_new boolean := false;
  v_is_lost boolean := false;  -- this event decides the dispute against us
  v_outgoing jsonb := '[]'::jsonb;
begin
  if v_kind = 'other' then
    return v_outgoing;
  elsif v_kind like 'subscription\_%' then
    return private.change_renewal(p_provider, p_event);
  elsif p_event ->> 'payment_id' is null then
    return private.record_order_failure(p_provider, p_event);
  end if;

  insert into public.payments as p (provider, provider_payment_id)
  values (p_provider, p_event ->> 'payment_id')
  on conflict (provider, provider_payment_id) do nothing;
  select p.* into v_payment
    from public.payments as p
   where p.provider = p_provider and p.provider_payment_id = p_event ->> 'payment_id'
     for update;
  update public.payments as p
     set currency = coalesce(p.currency, case when v_kind = 'paid' then p_event ->> 'currency' end),
         has_failed = p.has_failed or v_kind = 'failed',
         is_canceled = p.is_canceled or v_kind = 'canceled',
         is_test = p.is_test or coalesce((p_event ->> 'is_test')::boolean, false),
         -- A repeated event does not restore a method that the renewal has taken over or deleted.
         saved_method = case
           when p.completed_at is null then coalesce(p_event ->> 'saved_method', p.saved_method)
           else p.saved_method
         end,
         claims = p.claims || jsonb_strip_nulls(
           jsonb_build_object(
             'order_id', p_event -> 'order_id',
             'subscription_id', p_event -> 'subscription_id',
             -- The first payer stays, also the 0 of an erased user.
             'telegram_id', coalesce(p.claims -> 'telegram_id', p_event -> 'telegram_id'),
             'payer', case when v_kind = 'paid' then p_event -> 'payer' end,
             'paid_at', case when v_kind = 'paid' then p_event -> 'happened_at' end,
             'period_ends_at', case when v_kind = 'paid' then p_event -> 'period_ends_at' end,
             'is_final', p_event -> 'is_final',
             'has_buyer_terms', case when v_kind = 'paid' then p_event -> 'has_buyer_terms' end,
             'is_invoice', case when v_kind = 'paid' then p_event -> 'is_invoice' end
           )
         )
   where p.id = v_payment.id;
  if v_kind in ('paid', 'refunded', 'refund_failed', 'disputed', 'dispute_won', 'dispute_lost') then
    v_is_lost := v_kind = 'dispute_lost' and not exists (
      select
        from public.payment_operations as o
       where o.payment_id = v_payment.id and o.kind = 'dispute' and o.is_final
         and o.operation_id = coalesce(p_event ->> 'operation_id', p_event ->> 'payment_id')
    );
    v_is_new := private.upsert_operation(v_payment.id, p_event);
  end if;
  v_outgoing := private.settle_payment(v_payment.id, p_accept_test);
  if v_kind = 'pending' and exists (
    select from public.payments as p where p.id = v_payment.id and p.status = 'pending'
  ) then
    v_outgoing := v_outgoing || private.record_order_failure(p_provider, p_event);
  end if;
  if v_is_lost then
    v_outgoing := v_outgoing || private.notify_dispute_lost(v_payment.id);
  end if;
  if v_is_new then
    v_outgoing := v_outgoing || private.alarm_refund_currency(v_payment.id, p_event);
  end if;
  if v_kind in ('refunded', 'refund_failed') then
    v_outgoing := v_outgoing || private.close_refund(v_payment.id, p_event);
  end if;
  return v_outgoing;
end
$$;

revoke all on function private.apply_payment_event from public, anon, authenticated, service_role;
comment on function private.apply_payment_event is 'Applies one payment event to its payment';
