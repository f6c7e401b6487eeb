-- Returns whether an order's discount is bound to another order or was used for one, or a purchase that makes it cheaper as an
-- upgrade of a course was refunded or has made another one cheaper. The order can then not be paid.
--
-- Concurrency: read-only; the result is stable while the caller holds the discount's lock.
-- Locks: none.
-- Returns: boolean; false for an order that is completed or has no discount.
-- Errors: none.
create or replace function private.is_discount_gone(p_order public.orders)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select p_order.status = 'withdrawn'
    or (p_order.status <> 'completed' and private.is_credit_gone(p_order.course_terms))
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
comment on function private.is_discount_gone is 'Whether an order''s discount is bound to another order';
