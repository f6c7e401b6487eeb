-- Cancels the user's other renewals when one has begun or resumed, so that a user is charged by one renewal. The paid periods
-- continue. Subscriptions that a provider charges are canceled there by the job `payments` (renewals.next_cancel_attempt_at). A
-- payment of a later period neither begins nor replaces a renewal.
--
-- Concurrency: payments of one user's renewals are serialized by an advisory lock (private.claim_payment). An open charge
--   attempt is completed first, as in public.cancel_renewal.
-- Locks: the user's other renewals.
-- Returns: jsonb, the messages to deliver now (outgoing).
-- Errors: none.
create or replace function private.replace_renewals(p_payment public.payments, p_is_resumed boolean)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_new_id bigint;
  v_old record;
  v_outgoing jsonb := '[]'::jsonb;
begin
  select r.id into v_new_id
    from public.renewals as r
   where r.user_id = p_payment.user_id
     and r.status in ('active', 'past_due')
     and case
       when p_payment.renewal_id is not null then p_is_resumed and r.id = p_payment.renewal_id
       else r.provider = p_payment.provider
         and r.provider_subscription_id = coalesce(
           p_payment.claims ->> 'subscription_id', 'order:' || p_payment.order_id
         )
     end;
  if not found then
    return v_outgoing;
  end if;
  for v_old in
    update public.renewals as r
       set status = 'canceled',
           canceled_at = private.clock(),
           saved_method = null,
           charge_at = case
             when r.charge_at is not null and r.attempt_started_at is null then greatest(r.charged_until, private.clock())
             else r.charge_at
           end,
           next_cancel_attempt_at = case when r.provider_subscription_id not like 'order:%' then private.clock() end
     where r.user_id = p_payment.user_id and r.status in ('active', 'past_due') and r.id <> v_new_id
    returning r.bot, r.provider, r.product_key
  loop
    v_outgoing := v_outgoing || private.enqueue_user_message(
      p_payment.user_id,
      v_old.bot,
      'renewal_replaced',
      jsonb_build_object(
        'title', private.product_titles(v_old.product_key), 'provider', jsonb_build_object('provider', v_old.provider)
      )
    );
  end loop;
  return v_outgoing;
end
$$;

revoke all on function private.replace_renewals from public, anon, authenticated, service_role;
comment on function private.replace_renewals is 'Cancels the renewals that a new one replaces';
