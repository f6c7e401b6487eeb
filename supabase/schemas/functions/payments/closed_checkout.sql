-- Describes an order that is paid or under review, for a button that would open its checkout again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'closed'      (null instead of all of it: any other order)
--   state: 'paid' | 'held'
--   texts: product_texts
--   amount: numeric
--   currency: text
-- Errors: none.
create or replace function private.closed_checkout(p_order public.orders)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'outcome', 'closed',
      'state', s.state,
      'texts', p.texts,
      'amount', p_order.amount::text,
      'currency', p_order.currency
    )
    from private.checkout_state(p_order) as s (state)
    join public.products as p on p.key = p_order.product_key
   where s.state in ('paid', 'held');
$$;

revoke all on function private.closed_checkout from public, anon, authenticated, service_role;
comment on function private.closed_checkout is 'Describes an order that is paid or under review';
