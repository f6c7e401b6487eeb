-- Pays an order from its user's balance, applied like every provider's payment, and debits the amount.
--
-- Concurrency: the caller has just created the order, or waited for the call that created it. The fulfilment comes before the
--   debit, because it locks buyer and referrer in the order of their ids; without enough balance all of it is rolled back.
-- Locks: see public.pay_from_balance.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: L0002 the balance is too low; M0004 the order cannot be paid (any more).
create or replace function private.charge_balance(p_order public.orders)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_number text := format('orders:%s', p_order.id);
  v_outgoing jsonb;
begin
  v_outgoing := private.apply_payment_event(
    'balance',
    jsonb_build_object(
      'kind', 'paid', 'payment_id', v_number, 'order_id', p_order.id, 'amount', p_order.amount,
      'currency', p_order.currency
    ),
    false
  );
  if exists (
    select from public.payments as p
     where p.provider = 'balance' and p.provider_payment_id = v_number and p.problem is not null
  ) then
    raise exception 'the order cannot be paid any more' using errcode = 'M0004';
  end if;
  perform public.adjust_balance(
    (select u.telegram_id from public.users as u where u.id = p_order.user_id),
    -p_order.amount,
    'purchase',
    v_number || ':paid'
  );
  return v_outgoing;
end
$$;

revoke all on function private.charge_balance from public, anon, authenticated, service_role;
comment on function private.charge_balance is 'Pays an order from its user''s balance';
