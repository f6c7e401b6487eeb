-- Returns the order that charges the next period of a renewal, and creates it on the first call. The receipt goes to the
-- contact of the renewal's first order.
--
-- Concurrency: the caller holds the renewal's lock. The order's idempotency key is made of the renewal and the start of the
--   period, so a period has one order however many attempts it takes.
-- Locks: none.
-- Returns: public.orders, the order.
-- Errors: none.
create or replace function private.order_of_period(p_renewal public.renewals)
returns public.orders
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := format('renewals:%s:%s', p_renewal.id, extract(epoch from p_renewal.charged_until));
  v_order public.orders;
begin
  insert into public.orders (
    user_id, product_key, provider, currency, amount, kind, plan, period, renewal_id, contact, bot, reference,
    expires_at
  )
  values (
    p_renewal.user_id, p_renewal.product_key, p_renewal.provider, p_renewal.currency, p_renewal.amount,
    p_renewal.kind, p_renewal.plan, p_renewal.period, p_renewal.id,
    (
      select o.contact
        from public.orders as o
       where o.id = nullif(split_part(p_renewal.provider_subscription_id, 'order:', 2), '')::bigint
    ),
    p_renewal.bot, v_reference, private.clock() + interval '30 days'
  )
  on conflict (reference) do nothing;
  select o.* into v_order from public.orders as o where o.reference = v_reference;
  return v_order;
end
$$;

revoke all on function private.order_of_period from public, anon, authenticated, service_role;
comment on function private.order_of_period is 'The order that charges the next period of a renewal';
