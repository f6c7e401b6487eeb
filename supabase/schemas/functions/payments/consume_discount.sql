-- Notes that something was bought with a discount: the person's next purchase has it no more. An order that was made
-- with it before stays payable as it is.
--
-- Twice or at once: consumed once, whichever of its orders is paid first; the caller holds the order and the person.
-- Returns: nothing.
-- Errors: none.
create or replace function private.consume_discount(p_order_id bigint)
returns void
language sql
volatile
security invoker
set search_path = ''
as $$
  update public.promocode_usages as u
     set consumed_at = private.clock()
    from public.orders as o
   where o.id = p_order_id
     and u.promocode_id = o.promocode_id
     and u.user_id = o.user_id
     and u.consumed_at is null;
$$;

revoke all on function private.consume_discount from public, anon, authenticated;
comment on function private.consume_discount is 'Notes that something was bought with a discount';
