-- Describes an order that its buyer wants to pay after all, like public.create_order for an order that it reuses.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'reused' | 'closed'              (paid or under review)
--     | 'gone'                                (not the user's, canceled or expired)
--   ...?private.order_details                    (reused)
--   ...?private.closed_checkout               (closed)
-- Errors: none.
create or replace function public.get_open_order(p_user_id bigint, p_order_id bigint)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = p_order_id and o.user_id = p_user_id and o.renewal_id is null;
  return coalesce(
    private.closed_checkout(v_order),
    case
      when v_order.status = 'pending' and v_order.checkout_url is not null and private.checkout_state(v_order) is null
      then private.order_details(v_order, 'reused')
    end,
    jsonb_build_object('outcome', 'gone')
  );
end
$$;

revoke all on function public.get_open_order from public, anon, authenticated, service_role;
grant execute on function public.get_open_order to bot_backend;
comment on function public.get_open_order is 'Describes an order that its buyer wants to pay after all';
