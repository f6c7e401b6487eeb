-- Changes a user's balance for a payment, through the ledger (public.adjust_balance). p_adjustment numbers the changes of one
-- effect: 0 is the fulfilment, each reversal or restoration adds one (payment_effects.adjustments).
--
-- Concurrency: the ledger's reference consists of the payment, the effect and p_adjustment, so each change counts once.
-- Locks: user (NO KEY UPDATE).
-- Returns: void
-- Errors: those of public.adjust_balance.
create or replace function private.adjust_balance_for_payment(
  p_user_id bigint, p_amount numeric, p_reason text, p_payment_id bigint, p_effect text, p_adjustment integer
)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  perform public.adjust_balance(
    (select u.telegram_id from public.users as u where u.id = p_user_id),
    p_amount,
    p_reason,
    format('payments:%s:%s:%s', p_payment_id, p_effect, p_adjustment)
  );
end
$$;

revoke all on function private.adjust_balance_for_payment from public, anon, authenticated, service_role;
comment on function private.adjust_balance_for_payment is 'Changes a user''s balance for a payment';
