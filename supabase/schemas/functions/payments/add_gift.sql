-- Creates the gift that an order was paid for. Its link can be used once, within gift_days.
--
-- Concurrency: the caller holds the payment and has checked that nothing was granted; besides, a payment has one gift.
-- Locks: none.
-- Returns: void
-- Errors: none.
create or replace function private.add_gift(p_payment public.payments)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  insert into public.gifts (payment_id, user_id, bot, product_key, plan, period, expires_at)
  select p_payment.id, p_payment.user_id, o.bot, o.product_key, o.plan, o.period,
         (select private.clock()) + make_interval(days => private.setting('gift_days')::integer)
    from public.orders as o
   where o.id = p_payment.order_id;
$$;

revoke all on function private.add_gift from public, anon, authenticated, service_role;
comment on function private.add_gift is 'Creates the gift that an order was paid for';
