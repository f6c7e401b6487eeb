-- Leases the open charge attempt of a renewal to one worker for a minute. While the outcome stays unknown, the attempt is
-- leased again: after ten minutes at first, then at growing intervals (a sixth of its age).
--
-- Concurrency: the caller holds the renewal's lock, and charge_at moves ahead, so an attempt has one worker at a time. A
--   repeated attempt has the same order and attempt number, and so the same idempotency key at the provider.
-- Locks: renewal (held by the caller).
-- Returns: jsonb
--   id: bigint             (null instead of all of it: no attempt is open)
--   attempt: int
--   order_id: bigint
--   provider: text
--   saved_method: text | null
--   is_status_check: boolean       (only look whether the attempt succeeded)
--   attempt_started_at: timestamptz  (since when the attempt is open)
--   reference: text | null                    (the provider's number of a charge that was under way)
--   texts: product_texts
--   amount: numeric
--   currency: text
--   contact: text | null
--   telegram_id: bigint
--   languages: [ text | null ]
--   bot: text
-- Errors: none.
create or replace function private.lease_charge(p_renewal_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_renewal public.renewals;
  v_order public.orders;
  v_user public.users;
begin
  update public.renewals as r
     set lease_until = v_now + interval '1 minute',
         charge_at = v_now + greatest(interval '10 minutes', (v_now - r.attempt_started_at) / 6)
   where r.id = p_renewal_id and r.attempt_started_at is not null and r.charge_at <= v_now
  returning r.* into v_renewal;
  if not found then
    return null;
  end if;
  v_order := private.order_of_period(v_renewal);
  select u.* into v_user from public.users as u where u.id = v_renewal.user_id;
  return jsonb_build_object(
    'id', v_renewal.id,
    'attempt', v_renewal.attempts,
    'order_id', v_order.id,
    'provider', v_renewal.provider,
    'saved_method', v_renewal.saved_method,
    'is_status_check', v_renewal.saved_method is null
      or v_user.banned_at is not null
      or v_renewal.attempt_started_at < v_now - interval '20 hours',
    'attempt_started_at', v_renewal.attempt_started_at,
    'reference', v_order.checkout_reference,
    'texts', (select p.texts from public.products as p where p.key = v_renewal.product_key),
    'amount', v_order.amount::text,
    'currency', v_order.currency,
    'contact', v_order.contact,
    'telegram_id', v_user.telegram_id,
    'languages', jsonb_build_array(v_user.language, v_user.language_code),
    'bot', v_renewal.bot
  );
end
$$;

revoke all on function private.lease_charge from public, anon, authenticated, service_role;
comment on function private.lease_charge is 'Leases the open charge attempt of a renewal to one worker';
