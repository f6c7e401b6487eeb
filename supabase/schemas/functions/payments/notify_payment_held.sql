-- Notifies the payer that a payment is held for review, why it is not fulfilled, and what happens next. Admins decide about it
-- (private.alarm_payment_problem); the payer is notified of the refund.
--
-- Concurrency: the caller holds the payment's lock and calls once per problem.
-- Locks: none.
-- Returns: jsonb, the messages to deliver now (outgoing); empty if the payer is not a known user or everything is refunded
--   already.
-- Errors: none.
create or replace function private.notify_payment_held(p_payment public.payments)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_payer record;
begin
  if p_payment.status <> 'completed' then
    return '[]'::jsonb;
  end if;
  select b.* into v_payer from private.find_payer(p_payment) as b;
  return private.enqueue_user_message(
    v_payer.user_id,
    v_payer.bot,
    'payment_held_' || p_payment.problem,
    jsonb_build_object('money', jsonb_build_object('amount', p_payment.amount, 'currency', p_payment.currency))
    || case when v_payer.product_key is null then '{}'::jsonb else jsonb_build_object(
      'title', private.product_titles(v_payer.product_key),
      'price', jsonb_build_object('amount', v_payer.amount, 'currency', v_payer.currency)
    ) end
  );
end
$$;

revoke all on function private.notify_payment_held from public, anon, authenticated, service_role;
comment on function private.notify_payment_held is 'Notifies the payer that a payment is held for review';
