-- Returns the state that an order's invitation messages must show instead of the invitation. Payments of another user or of a
-- test do not count.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: text: paid, held (under review), refunded, disputed (by the payer's bank), withdrawn or expired; null while the
--   order can be paid.
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
comment on function private.checkout_state is 'Returns the state that an order''s invitation messages show';
