-- Describes an order that its buyer wants to pay later, as create_order does for one that it reuses.
--
-- Twice or at once: only reads.
-- Returns: jsonb {outcome: reused, …}, see private.order_card | {outcome: closed, …}: it is paid or under review, see
--   private.closed_checkout | {outcome: gone}: it is not the user's, canceled or expired.
-- Errors: none.
create or replace function public.open_order(p_user_id bigint, p_order_id bigint)
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
      then private.order_card(v_order, 'reused')
    end,
    jsonb_build_object('outcome', 'gone')
  );
end
$$;

revoke all on function public.open_order from public, anon, authenticated, service_role;
grant execute on function public.open_order to bot_backend;
comment on function public.open_order is 'Describes an order that its buyer wants to pay later';
