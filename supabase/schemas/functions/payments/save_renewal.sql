-- Creates the renewal that a payment begins, or extends the one that it pays a period of. The saved payment method moves from
-- the payment to the renewal, which deletes it once nothing is charged any more. A canceled subscription that its provider
-- charged later runs again: the user resumed it there, or paid the old link once more (Stars).
--
-- Concurrency: a renewal is unique by the provider's id. The caller holds the payment.
-- Locks: renewal.
-- Returns: boolean, true if a canceled renewal runs again.
-- Errors: none.
create or replace function private.save_renewal(p_payment public.payments, p_ends_at timestamptz)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_renewal public.renewals;
  v_is_resumed boolean;
begin
  select r.* into v_renewal from public.renewals as r where r.id = p_payment.renewal_id for update;
  v_is_resumed := private.is_resumed(v_renewal, p_payment);
  update public.renewals as r
     set status = case when r.status = 'past_due' or v_is_resumed then 'active' else r.status end,
         canceled_at = case when not v_is_resumed then r.canceled_at end,
         ended_at = case when not v_is_resumed then r.ended_at end,
         attempts = 0,
         attempt_started_at = null,
         lease_until = null,
         saved_method = case
           when r.status in ('active', 'past_due') and r.saved_method is not null
             then coalesce(p_payment.saved_method, r.saved_method)
         end,
         charge_at = case when r.charge_at is not null then p_ends_at end,
         charged_until = p_ends_at
   where r.id = p_payment.renewal_id;
  insert into public.renewals (
    user_id, product_key, provider, provider_subscription_id, currency, amount, plan, period, bot,
    saved_method, charged_until, charge_at
  )
  select
    o.user_id, o.product_key, o.provider,
    coalesce(p_payment.claims ->> 'subscription_id', 'order:' || o.id),
    o.currency, o.amount, o.plan, o.period, o.bot,
    case when p_payment.claims ->> 'subscription_id' is null then p_payment.saved_method end,
    p_ends_at,
    case when p_payment.claims ->> 'subscription_id' is null then p_ends_at end
    from public.orders as o
   where o.id = p_payment.order_id
     and o.renews
     and coalesce(p_payment.claims ->> 'subscription_id', p_payment.saved_method) is not null
  on conflict (provider, provider_subscription_id) do nothing;
  update public.payments as p set saved_method = null where p.id = p_payment.id and p.saved_method is not null;
  return v_is_resumed;
end
$$;

revoke all on function private.save_renewal from public, anon, authenticated, service_role;
comment on function private.save_renewal is 'Creates or extends the renewal of a payment';
