-- Adds to a person's balance, or takes from it, once per reference. For our own code and, through rpc with the
-- secret key, for every other service of the same owner. A user whom no bot has seen yet is created: their first message
-- to a bot is still their first (users.has_started).
--
-- Twice or at once: two calls that create a user meet in the unique telegram_id; the person's row is locked, and the
--   reference is unique. A known reference changes nothing
--   and is answered with what it did then; two calls with a new one meet in the lock.
-- Returns: jsonb {balance, applied, transaction_id}; applied is false for a reference that is known already.
--   balance is text with two decimals, as it is now.
-- Errors: L0001 no user of Telegram can have this id; L0002 the balance would fall below zero; L0003 the reference is known with
--   another amount or person; L0004 the amount, reason or reference is unusable.
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
    raise exception 'the amount must have at most two decimals and not be zero' using errcode = 'L0004';
  elsif coalesce(p_reason, '') = '' or coalesce(p_reference, '') not like '_%:_%' then
    raise exception 'a reason, and a reference such as "service:number", are needed' using errcode = 'L0004';
  end if;

  select u.* into v_user from public.users as u where u.telegram_id = p_telegram_id for no key update;
  if not found then
    v_user := private.create_unseen_user(p_telegram_id);
  end if;
  select t.* into v_known from public.balance_transactions as t where t.reference = p_reference;
  if found then
    if v_known.user_id is distinct from v_user.id or v_known.amount <> p_amount then
      raise exception 'this reference is known with another amount or person' using errcode = 'L0003';
    end if;
    return jsonb_build_object(
      'balance', v_user.balance::text, 'applied', false, 'transaction_id', v_known.id
    );
  elsif v_user.balance + p_amount < 0 then
    raise exception 'the balance would fall below zero' using errcode = 'L0002';
  end if;

  begin
    insert into public.balance_transactions (user_id, amount, balance_after, reason, reference)
    values (v_user.id, p_amount, v_user.balance + p_amount, p_reason, p_reference)
    returning id into v_id;
  exception when unique_violation then
    -- Another person's call with the same reference came first.
    raise exception 'this reference is known with another amount or person' using errcode = 'L0003';
  end;
  update public.users as u set balance = u.balance + p_amount where u.id = v_user.id
  returning u.* into v_user;
  return jsonb_build_object('balance', v_user.balance::text, 'applied', true, 'transaction_id', v_id);
end
$$;

revoke all on function public.adjust_balance from public, anon, authenticated, service_role;
grant execute on function public.adjust_balance to bot_backend, service_role;
comment on function public.adjust_balance is 'Changes a person''s balance, once per reference';
