-- Applies one thing that happened (shared/payments/events.py) to the payment it is about.
--
-- Twice or at once: the payment's row is made once and locked; what moved is kept by its own number, so a repetition
--   changes no sum. A dispute that was decided and a refund that failed stay so, whatever comes later.
-- Returns: jsonb array of the outbox items to deliver now.
-- Errors: none of its own.
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
  v_is_lost boolean := false;  -- by this notice
  v_outgoing jsonb := '[]'::jsonb;
begin
  if v_kind = 'other' then
    return v_outgoing;
  elsif v_kind like 'subscription\_%' then
    return private.change_renewal(p_provider, p_event);
  elsif p_event ->> 'payment_id' is null then
    -- An attempt that never became a charge: only the order can hear of it.
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
         -- A repetition does not bring back what its renewal has taken over, or dropped.
         saved_method = case
           when p.completed_at is null then coalesce(p_event ->> 'saved_method', p.saved_method)
           else p.saved_method
         end,
         claims = p.claims || jsonb_strip_nulls(
           jsonb_build_object(
             'order_id', p_event -> 'order_id',
             'subscription_id', p_event -> 'subscription_id',
             -- Who paid is told once: 0 of somebody who was erased stays.
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
comment on function private.apply_payment_event is 'Applies one thing that happened to the payment it is about';
