-- Records that the provider declined an attempt to charge a period. The next attempt follows after the pause that the setting
-- renewal_retry_hours gives. After the last one, or if the payment method can never be charged again (p_is_final), the renewal
-- ends. If the provider refused the receipt contact (p_is_about_contact), the user is asked for another one.
--
-- Concurrency: the caller holds the order; the renewal's row is locked. Without an open attempt nothing changes. The next
--   attempt has another idempotency key, so that the provider does not repeat this refusal.
-- Locks: order (held by the caller), renewal, then the renewal's other orders if it ends (SKIP LOCKED).
-- Returns: jsonb, the messages to deliver now (outgoing): the user gets one about the first refusal and one about the end.
-- Errors: none.
create or replace function private.decline_charge(
  p_order public.orders, p_is_final boolean, p_is_about_contact boolean default false
)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_renewal public.renewals;
  v_hours numeric;
begin
  select r.* into v_renewal from public.renewals as r where r.id = p_order.renewal_id for update;
  if v_renewal.attempt_started_at is null then
    return '[]'::jsonb;
  end if;
  update public.orders as o set checkout_reference = null where o.id = p_order.id;
  v_hours := (private.setting('renewal_retry_hours')::jsonb ->> v_renewal.attempts)::numeric;
  update public.renewals as r
     set status = case r.status when 'active' then 'past_due' else r.status end,
         attempts = r.attempts + 1,
         attempt_started_at = null,
         lease_until = null,
         charge_at = case
           when r.status = 'canceled' then greatest(r.charged_until, v_now)
           when v_hours is null then greatest(v_now, r.charged_until + private.grace_period())
           else v_now + make_interval(secs => (v_hours * 3600)::double precision)
         end
   where r.id = v_renewal.id;
  if v_renewal.status = 'canceled' then
    return '[]'::jsonb;
  elsif p_is_final then
    return private.end_renewal(v_renewal, 'renewal_given_up');
  elsif v_renewal.status <> 'active' then
    return '[]'::jsonb;
  end if;
  return private.enqueue_user_message(
    v_renewal.user_id,
    v_renewal.bot,
    case when p_is_about_contact then 'renewal_contact_refused' else 'renewal_past_due' end,
    jsonb_build_object(
      'title', private.product_titles(v_renewal.product_key),
      'until', jsonb_build_object('date', v_renewal.charged_until + private.grace_period())
    ),
    case when p_is_about_contact then '[[{"key": "renewal_contact_button", "data": "contact:change"}]]'::jsonb end
  );
end
$$;

revoke all on function private.decline_charge from public, anon, authenticated, service_role;
comment on function private.decline_charge is 'Records that a charge of a period was declined';
