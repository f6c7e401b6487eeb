-- Opens a refund of a payment in an admin's name: of all that is left of it, or of p_amount. With p_call_provider_now
-- the caller calls the provider at once; otherwise the job "payments" does. A payment from the balance is refunded to
-- the balance in this transaction.
--
-- p_left is what was left when the admin confirmed; if that has changed, nothing is opened.
--
-- Concurrency: the payment's row is locked and has one open refund at a time, so of two admins one opens it and the
--   other finds it. With a reference it is opened once.
-- Locks: user (KEY SHARE), payment (FOR UPDATE), refund (FOR UPDATE); for a payment from the balance then users by id
--   (NO KEY UPDATE).
-- Returns: jsonb
--   outcome: 'opened'
--     | 'known'            (this reference opened it before)
--     | 'busy'             (another refund of this payment is open)
--     | 'changed'          (p_left is not what is left now)
--     | 'too_much' | 'nothing_left' | 'not_paid'
--     | 'erased'           (paid from the balance of a user who is erased)
--     | 'other_currency'   (paid from balance when balances had another currency)
--   left: numeric
--   currency: text | null
--   outgoing: outgoing
--   refund?: {
--     id: bigint, status: 'open' | 'done' | 'refused' | 'unknown' | 'failed', amount: numeric, admin_email: text
--   }
--   task?: private.lease_refund | null         (the request for the provider, for the caller to make)
-- Errors: N0001 not an admin; N0003 the reference was used with another action, payment or amount; N0004 the amount
--   is invalid; N0007 no such payment.
create or replace function public.admin_refund_payment(
  p_payment_id bigint,
  p_amount numeric,
  p_admin_email text,
  p_reference text default null,
  p_left numeric default null,
  p_call_provider_now boolean default false
)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := private.require_admin(p_admin_email);
  v_payment public.payments;
  v_refund public.refunds;
  v_left numeric;
  v_outcome text;
  v_outgoing jsonb := '[]'::jsonb;
begin
  v_payment := private.lock_payment(p_payment_id);
  if v_payment.id is null then
    raise exception 'no such payment' using errcode = 'N0007';
  elsif p_amount <= 0 or p_amount <> round(p_amount, case v_payment.currency when 'XTR' then 0 else 2 end) then
    raise exception 'this amount cannot be refunded' using errcode = 'N0004';
  end if;
  v_left := private.refundable_amount(v_payment);
  select r.* into v_refund from public.refunds as r where r.reference = p_reference for update;
  if found then
    if v_refund.payment_id <> p_payment_id or v_refund.amount <> coalesce(p_amount, v_refund.amount) then
      raise exception 'the reference was used with another payment or amount' using errcode = 'N0003';
    end if;
    v_outcome := 'known';
  else
    select r.* into v_refund
      from public.refunds as r
     where r.payment_id = p_payment_id and r.status = 'open';
    v_outcome := case
      when coalesce(v_payment.amount, 0) = 0 then 'not_paid'
      when v_refund.id is not null then 'busy'
      when v_left = 0 then 'nothing_left'
      when v_left <> p_left then 'changed'
      when p_amount > v_left then 'too_much'
      when v_payment.provider = 'balance' and v_payment.user_id is null then 'erased'
      when v_payment.provider = 'balance' and v_payment.currency <> private.setting('balance_currency')
        then 'other_currency'
      else 'opened'
    end;
  end if;

  if v_outcome = 'opened' then
    insert into public.refunds as r (payment_id, amount, admin_email, reference, is_awaited)
    values (
      p_payment_id, coalesce(p_amount, v_left), v_email, p_reference, not p_call_provider_now and v_payment.provider <> 'balance'
    )
    returning r.* into v_refund;
    perform private.write_audit(
      v_email, 'refund_payment', v_payment.user_id, p_reference,
      jsonb_build_object('payment', v_payment.id, 'status', v_payment.status, 'refunded', v_payment.refunded::text),
      jsonb_build_object(
        'refund', v_refund.id, 'payment', v_payment.id, 'amount', v_refund.amount::text,
        'currency', v_payment.currency, 'provider', v_payment.provider
      )
    );
    if v_payment.provider = 'balance' then
      v_outgoing := private.refund_to_balance(v_payment, v_refund);
      select r.* into v_refund from public.refunds as r where r.id = v_refund.id;
    end if;
  end if;
  return jsonb_build_object(
    'outcome', v_outcome, 'left', v_left::text, 'currency', v_payment.currency, 'outgoing', v_outgoing
  )
    || case when v_refund.id is null then '{}'::jsonb else jsonb_build_object(
      'refund', jsonb_build_object(
        'id', v_refund.id, 'status', v_refund.status, 'amount', v_refund.amount::text,
        'admin_email', v_refund.admin_email
      ),
      'task', case
        when p_call_provider_now and v_outcome in ('opened', 'known') and v_refund.status = 'open'
          then private.lease_refund(v_refund.id)
      end
    ) end;
end
$$;

revoke all on function public.admin_refund_payment from public, anon, authenticated, service_role;
grant execute on function public.admin_refund_payment to bot_backend, service_role;
comment on function public.admin_refund_payment is 'Opens a refund of a payment in an admin''s name';
