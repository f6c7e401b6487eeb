-- Tells whoever paid that a payment is under review: why nothing was given, and what follows. Admins decide what becomes of
-- it (private.alarm_about); the payer hears of the refund.
--
-- Twice or at once: the caller holds the payment's row and asks once for each problem.
-- Returns: see private.tell_person; empty when the payer is not known here, or all of it went back already.
-- Errors: none.
create or replace function private.tell_held(p_payment public.payments)
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
  select b.* into v_payer from private.payer_of(p_payment) as b;
  return private.tell_person(
    v_payer.user_id,
    v_payer.bot,
    'payment_held_' || p_payment.problem,
    jsonb_build_object('money', jsonb_build_object('amount', p_payment.amount, 'currency', p_payment.currency))
    || case when v_payer.texts is null then '{}'::jsonb else jsonb_build_object(
      'title', private.titles(v_payer.texts),
      'price', jsonb_build_object('amount', v_payer.amount, 'currency', v_payer.currency)
    ) end
  );
end
$$;

revoke all on function private.tell_held from public, anon, authenticated, service_role;
comment on function private.tell_held is 'Tells whoever paid that a payment is under review';
