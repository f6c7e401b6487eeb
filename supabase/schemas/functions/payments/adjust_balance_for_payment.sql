-- Changes a person's balance for a payment, through the ledger.
--
-- Twice or at once: the ledger's reference is made of the payment, the effect and p_move, so each move counts once.
-- Returns: nothing.
-- Errors: those of adjust_balance.
create or replace function private.adjust_balance_for_payment(
  p_user_id bigint, p_amount numeric, p_reason text, p_payment_id bigint, p_effect text, p_move integer
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
    format('payments:%s:%s:%s', p_payment_id, p_effect, p_move)
  );
end
$$;

revoke all on function private.adjust_balance_for_payment from public, anon, authenticated, service_role;
comment on function private.adjust_balance_for_payment is 'Changes a person''s balance for a payment';
