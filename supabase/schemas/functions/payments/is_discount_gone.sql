-- Tells whether an order has a discount that another order has now, or was bought with: then it may not be paid.
--
-- Twice or at once: only reads; it stays so for whoever holds the discount.
-- Returns: false for an order without a discount, and for one that is paid.
-- Errors: none.
create or replace function private.is_discount_gone(p_order public.orders)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_order.status = 'withdrawn'
    or (
      p_order.promocode_id is not null
      and p_order.status <> 'completed'
      and not exists (
        select
          from public.promocode_usages as u
         where u.promocode_id = p_order.promocode_id and u.user_id = p_order.user_id and u.consumed_at is null
      )
    );
$$;

revoke all on function private.is_discount_gone from public, anon, authenticated, service_role;
comment on function private.is_discount_gone is 'Whether another order has the discount of this one';
