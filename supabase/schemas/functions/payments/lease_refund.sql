-- Leases a refund to one worker for a minute and returns what the call to the provider needs.
--
-- Concurrency: the caller holds the refund's lock, and next_attempt_at moves ahead. A repeated call to the provider has the
--   same key.
-- Locks: refund (held by the caller).
-- Returns: jsonb
--   id: bigint
--   key: text              (idempotency key for the provider)
--   attempt: int
--   provider: text
--   number: text           (the provider's payment number)
--   amount: numeric
--   currency: text
--   is_whole: boolean
--   telegram_id: bigint | null                (who paid; null: erased)
--   contact: text | null                      (for the receipt)
--   texts: product_texts | null               (of the product, for the receipt; null without an order)
--   languages: [ text | null ]
-- Errors: none.
create or replace function private.lease_refund(p_refund_id bigint)
returns jsonb
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_task jsonb;
begin
  update public.refunds as r
     set attempts = r.attempts + 1,
         first_attempt_at = coalesce(r.first_attempt_at, v_now),
         next_attempt_at = v_now + interval '1 minute'
   where r.id = p_refund_id;
  select jsonb_build_object(
      'id', r.id,
      'key', r.key,
      'attempt', r.attempts,
      'provider', p.provider,
      'number', p.provider_payment_id,
      'amount', r.amount::text,
      'currency', p.currency,
      'is_whole', r.amount = p.amount,
      'telegram_id', coalesce(nullif((p.claims ->> 'telegram_id')::bigint, 0), u.telegram_id),
      'contact', coalesce(
        o.contact,
        -- A renewal has no contact: the one of the user's last order with this provider.
        (
          select e.contact
            from public.orders as e
           where e.user_id = n.user_id and e.provider = n.provider and e.contact is not null
           order by e.id desc
           limit 1
        )
      ),
      'texts', d.texts,
      'languages', jsonb_build_array(u.language, u.language_code)
    )
    into v_task
    from public.refunds as r
    join public.payments as p on p.id = r.payment_id
    left join public.orders as o on o.id = p.order_id
    left join public.renewals as n on n.id = p.renewal_id
    left join public.products as d on d.key = coalesce(o.product_key, n.product_key)
    left join public.users as u on u.id = p.user_id
   where r.id = p_refund_id;
  return v_task;
end
$$;

revoke all on function private.lease_refund from public, anon, authenticated, service_role;
comment on function private.lease_refund is 'Leases a refund to one worker';
