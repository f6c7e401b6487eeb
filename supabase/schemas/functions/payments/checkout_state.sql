-- Says what the message that invited to pay an order has to say now.
--
-- Twice or at once: only reads.
-- Returns: paid | held (under review) | refunded | disputed (by the payer's bank) | withdrawn | expired; null: the order can
--   be paid.
-- Errors: none.
create or replace function private.checkout_state(p_order public.orders)
returns text
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select p.status, p.problem, p.disputed
      from public.payments as p
     where p.order_id = p_order.id
       and p.amount > 0
       -- Money of somebody else, or of a test, leaves the order as it was.
       and (p.problem is null or p.problem in ('amount', 'currency', 'withdrawn'))
  )
  select case
      when exists (select from own as p where p.status = 'completed' and p.problem is null) then 'paid'
      when exists (select from own as p where p.status = 'completed') then 'held'
      when exists (select from own as p where p.disputed > 0) then 'disputed'
      when exists (select from own as p where p.status = 'refunded') then 'refunded'
      when p_order.status = 'completed' then 'paid'
      when p_order.status = 'withdrawn' then 'withdrawn'
      when p_order.status = 'canceled' or p_order.expires_at <= private.clock() then 'expired'
    end;
$$;

revoke all on function private.checkout_state from public, anon, authenticated, service_role;
comment on function private.checkout_state is 'What the message that invited to pay an order has to say now';
