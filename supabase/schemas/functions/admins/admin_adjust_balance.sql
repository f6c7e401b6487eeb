-- Adds to a user's balance in an admin's name, or takes from it, through the ledger (public.adjust_balance). The user
-- gets one message.
--
-- Concurrency: the user's row is locked. With a reference it acts once, and a repeated call returns the result of the
--   first; without one every call acts.
-- Locks: user (NO KEY UPDATE).
-- Returns: jsonb
--   applied: boolean       (false: the reference is known already)
--   before: numeric
--   after: numeric
--   currency: text
--   id: bigint             (the audit entry, for admin_undo)
--   outgoing: outgoing     (the message to the user, sent once)
-- Errors: N0001 not an admin; N0002 no such user; N0003 the reference was used with another action, user or amount;
--   N0004 the amount or the reason is invalid; L0002 the balance would become negative.
create or replace function public.admin_adjust_balance(
  p_user_id bigint,
  p_amount numeric,
  p_admin_email text,
  p_reference text default null,
  p_reason text default null
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_reason text := nullif(trim(p_reason), '');
  v_user public.users;
  v_known public.audit_log;
  v_after numeric;
  v_id bigint;
begin
  if coalesce(p_amount, 0) = 0 or p_amount <> round(p_amount, 2) or abs(p_amount) > 1000000 then
    raise exception 'the amount must not be zero, and have at most two decimals and an absolute value of at most 1000000' using errcode = 'N0004';
  elsif length(v_reason) > 500 then
    raise exception 'the reason must have at most 500 characters' using errcode = 'N0004';
  end if;
  select u.* into v_user from public.users as u where u.id = p_user_id for no key update;
  if not found then
    raise exception 'no such user' using errcode = 'N0002';
  end if;
  v_known := private.find_audit_entry(p_reference, 'adjust_balance', p_user_id);
  if v_known.id is not null then
    if (v_known.after ->> 'amount')::numeric <> p_amount then
      raise exception 'the reference was used with another amount' using errcode = 'N0003';
    end if;
    return jsonb_build_object(
      'applied', false, 'before', v_known.before -> 'balance', 'after', v_known.after -> 'balance',
      'currency', private.setting('balance_currency'), 'id', v_known.id, 'outgoing', '[]'::jsonb
    );
  end if;

  v_after := (
    public.adjust_balance(
      v_user.telegram_id, p_amount, 'admin', 'admins:' || coalesce(p_reference, gen_random_uuid()::text)
    ) ->> 'balance'
  )::numeric;
  v_id := private.write_audit(
    v_email, 'adjust_balance', p_user_id, p_reference,
    jsonb_build_object('balance', v_user.balance::text),
    jsonb_strip_nulls(jsonb_build_object('balance', v_after::text, 'amount', p_amount::text, 'reason', v_reason))
  );
  return jsonb_build_object(
    'applied', true, 'before', v_user.balance::text, 'after', v_after::text,
    'currency', private.setting('balance_currency'), 'id', v_id,
    'outgoing', private.notify_adjustment(p_user_id, 'balance', v_user.balance, v_after)
  );
end
$$;

revoke all on function public.admin_adjust_balance from public, anon, authenticated, service_role;
grant execute on function public.admin_adjust_balance to bot_backend, service_role;
comment on function public.admin_adjust_balance is 'Changes a user''s balance in an admin''s name';
