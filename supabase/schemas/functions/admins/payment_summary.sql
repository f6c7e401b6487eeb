-- Returns what an admin's list shows of a payment: amount null when no money was received, texts of the product (null
-- without an order), at the time, what was fulfilled, and in open_refund the status of the last refund that needs
-- attention.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   id: bigint
--   provider: text
--   number: text
--   status: 'pending' | 'completed' | 'failed' | 'canceled' | 'refunded'
--   problem: 'no_order' | 'amount' | 'currency' | 'owner' | 'test' | 'second_charge' | 'withdrawn' | null
--   amount: numeric | null                    (null: no money came)
--   refunded: numeric
--   disputed: numeric
--   currency: text | null
--   at: timestamptz
--   texts: product_texts | null               (of the product; null without an order)
--   given: [ { effect: text, given: float, reversed: float } ]
--   open_refund: 'open' | 'unknown' | null    (the last refund that an admin must look at)
-- Errors: none.
create or replace function private.payment_summary(p_payment public.payments)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select jsonb_build_object(
    'id', p_payment.id,
    'provider', p_payment.provider,
    'number', p_payment.provider_payment_id,
    'status', p_payment.status,
    'problem', p_payment.problem,
    'amount', p_payment.amount::text,
    'refunded', p_payment.refunded::text,
    'disputed', p_payment.disputed::text,
    'currency', p_payment.currency,
    'at', coalesce(p_payment.completed_at, p_payment.created_at),
    'texts', (
      select d.texts
        from public.products as d
       where d.key = coalesce(
         (private.payment_order(p_payment)).product_key,
         (select r.product_key from public.renewals as r where r.id = p_payment.renewal_id)
       )
    ),
    'given', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('effect', e.effect, 'given', trim_scale(e.given), 'reversed', trim_scale(e.reversed))
            order by e.effect
          ),
          '[]'::jsonb
        )
        from public.payment_effects as e
       where e.payment_id = p_payment.id and e.effect not in ('commission', 'second_commission')
    ),
    'open_refund', (
      select r.status
        from public.refunds as r
       where r.payment_id = p_payment.id and r.status in ('open', 'unknown')
       order by r.id desc
       limit 1
    )
  );
$$;

revoke all on function private.payment_summary from public, anon, authenticated, service_role;
comment on function private.payment_summary is 'Returns what an admin''s list shows of a payment';
