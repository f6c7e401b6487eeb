-- Pays the commission for a payment in balance_currency: to the buyer's referrer (setting referral_commission_percent), or with
-- the effect second_commission to the user who had invited the referrer (referral_second_percent). A payment from balance earns
-- none: the top-up that it spends has earned it already.
--
-- Concurrency: an effect is unique per payment, so it is paid once. The caller holds the users.
-- Locks: user (held by the caller).
-- Returns: void
-- Errors: those of public.adjust_balance.
create or replace function private.pay_commission(
  p_payment public.payments, p_user_id bigint, p_effect text default 'commission'
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_share numeric := round(
    p_payment.amount
    * private.setting(
      case p_effect when 'commission' then 'referral_commission_percent' else 'referral_second_percent' end
    )::numeric / 100, 2
  );
begin
  if p_user_id is null
    or v_share <= 0
    or p_payment.currency <> private.setting('balance_currency')
    or p_payment.provider = 'balance'
  then
    return;
  end if;
  insert into public.payment_effects (payment_id, effect, user_id, given)
  values (p_payment.id, p_effect, p_user_id, v_share)
  on conflict (payment_id, effect) do nothing;
  if found then
    perform private.adjust_balance_for_payment(
      p_user_id, v_share, case p_effect when 'commission' then 'referral commission' else 'second referral commission' end,
      p_payment.id, p_effect, 0
    );
  end if;
end
$$;

revoke all on function private.pay_commission from public, anon, authenticated, service_role;
comment on function private.pay_commission is 'Pays a commission for a payment';
