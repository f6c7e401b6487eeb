-- Describes an order for its checkout.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: text          (p_outcome)
--   id: bigint
--   status: 'pending' | 'completed' | 'canceled' | 'withdrawn'
--   provider: text
--   kind: 'subscription' | 'credits' | 'balance' | 'course'
--   texts: product_texts
--   amount: numeric
--   full_amount: numeric | null               (without the discount; null when there is none)
--   credit: numeric | null                    (paid for lower tiers of a course, and subtracted; null: no upgrade)
--   currency: text
--   period: 'month' | 'year' | null
--   renews: boolean
--   is_gift: boolean
--   contact: text | null
--   expires_at: timestamptz
--   checkout_url: text | null
--   checkout_reference: text | null
-- Errors: none.
create or replace function private.order_details(p_order public.orders, p_outcome text)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
      'outcome', p_outcome,
      'id', p_order.id,
      'status', p_order.status,
      'provider', p_order.provider,
      'kind', p_order.kind,
      'texts', p.texts,
      'amount', p_order.amount::text,
      'full_amount', p_order.full_amount::text,
      'credit', nullif(p_order.course_terms ->> 'credit', '0'),
      'currency', p_order.currency,
      'period', p_order.period,
      'renews', p_order.renews,
      'is_gift', p_order.is_gift,
      'contact', p_order.contact,
      'expires_at', p_order.expires_at,
      'checkout_url', p_order.checkout_url,
      'checkout_reference', p_order.checkout_reference
    )
    from public.products as p
   where p.key = p_order.product_key;
$$;

revoke all on function private.order_details from public, anon, authenticated, service_role;
comment on function private.order_details is 'Describes an order for its checkout';
