-- Notes that something was bought with a discount: the person's next purchase has it no more. Other orders that were made
-- with it may not be paid from now on, where the provider asks us first; money that comes for them is honoured.
--
-- Twice or at once: consumed once, whichever of its orders is paid first; the caller holds the order and the person. An
--   order that somebody holds is being paid and is left alone.
-- Returns: nothing.
-- Errors: none.
create or replace function private.consume_discount(p_order_id bigint)
returns void
language sql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
  update public.promocode_usages as u
     set consumed_at = private.clock()
    from public.orders as o
   where o.id = p_order_id
     and u.promocode_id = o.promocode_id
     and u.user_id = o.user_id
     and u.consumed_at is null;

  update public.orders as o
     set expires_at = private.clock()
    from (
      select w.id
        from public.orders as w
        join public.orders as b on b.user_id = w.user_id and b.promocode_id = w.promocode_id
       where b.id = p_order_id and w.id <> b.id and w.status = 'pending' and w.expires_at > private.clock()
         for update of w skip locked
    ) as w
   where o.id = w.id;
$$;

revoke all on function private.consume_discount from public, anon, authenticated, service_role;
comment on function private.consume_discount is 'Notes that something was bought with a discount';
