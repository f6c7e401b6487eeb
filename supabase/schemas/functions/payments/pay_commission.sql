-- Pays the referrer's commission for a payment in balance_currency. A payment from balance earns none: the top-up that it
-- spends has earned it already.
--
-- Concurrency: the effect commission is unique per payment, so it is paid once. The caller holds both users.
-- Locks: referrer (held by the caller).
-- Returns: void
-- Errors: those of public.adjust_balance.
create or replace function private.pay_commission(p_payment public.payments, p_referrer_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_share numeric := round(
    p_payment.amount * private.setting('referral_commission_percent')::numeric / 100, 2
  );
begin
  if p_referrer_id is null
    or v_share <= 0
    or p_payment.currency <> private.setting('balance_currency')
    or p_payment.provider = 'balance'
  then
    return;
  end if;
  insert into public.payment_effects (payment_id, effect, user_id, given)
  values (p_payment.id, 'commission', p_referrer_id, v_share)
  on conflict (payment_id, effect) do nothing;
  if found then
    perform private.adjust_balance_for_payment(p_referrer_id, v_share, 'referral commission', p_payment.id, 'commission', 0);
  end if;
end
$$;

revoke all on function private.pay_commission from public, anon, authenticated, service_role;
comment on function private.pay_commission is 'Pays the referrer''s commission for a payment';
