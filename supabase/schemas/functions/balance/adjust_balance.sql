-- Changes a user's balance and writes the ledger entry, once per reference. Called by our own code and, with the secret key,
-- by other services of the same owner. A user whom no bot has seen yet is created; their first message to a bot still counts as
-- their first (users.has_started).
--
-- Concurrency: calls for one user are serialized by the user's row lock, so a repeated reference finds the first call's ledger
--   entry and changes nothing. Two calls that use one reference for different users collide in its unique index; the second
--   fails with L0003. Two calls that create the same user collide in the unique telegram_id and continue with one row.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   balance: numeric       (after the call)
--   applied: boolean       (false: an earlier call applied the reference)
--   transaction_id: bigint (balance_transactions.id)
-- Errors: L0001 no Telegram user can have this id; L0002 the balance would become negative; L0003 the reference was used with
--   another amount or user; L0004 the amount, reason or reference is invalid; 40001 the user was erased at this moment (retry).
create or replace function public.adjust_balance(
  p_telegram_id bigint, p_amount numeric, p_reason text, p_reference text
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user public.users;
  v_known public.balance_transactions;
  v_id bigint;
begin
  if p_amount is null or p_amount = 0 or p_amount <> round(p_amount, 2) or abs(p_amount) >= 10000000000 then
    raise exception 'the amount must not be zero and must have at most two decimals' using errcode = 'L0004';
  elsif coalesce(p_reason, '') = '' or coalesce(p_reference, '') not like '_%:_%' or length(p_reference) > 200 then
    raise exception 'a reason and a reference of the form service:number are required' using errcode = 'L0004';
  end if;

  v_user := private.find_or_create_user(p_telegram_id);
  select t.* into v_known from public.balance_transactions as t where t.reference = p_reference;
  if found then
    if v_known.user_id is distinct from v_user.id or v_known.amount <> p_amount then
      raise exception 'the reference was used with another amount or user' using errcode = 'L0003';
    end if;
    return jsonb_build_object(
      'balance', v_user.balance::text, 'applied', false, 'transaction_id', v_known.id
    );
  elsif v_user.balance + p_amount < 0 then
    raise exception 'the balance would become negative' using errcode = 'L0002';
  end if;

  begin
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, p_amount, v_user.balance + p_amount, p_reason, p_reference)
    returning id into v_id;
  exception when unique_violation then
    -- A concurrent call used the reference for another user.
    raise exception 'the reference was used with another amount or user' using errcode = 'L0003';
  end;
  update public.users as u set balance = u.balance + p_amount where u.id = v_user.id
  returning u.* into v_user;
  return jsonb_build_object('balance', v_user.balance::text, 'applied', true, 'transaction_id', v_id);
end
$$;

revoke all on function public.adjust_balance from public, anon, authenticated, service_role;
grant execute on function public.adjust_balance to bot_backend, service_role;
comment on function public.adjust_balance is 'Changes a user''s balance, once per reference';
