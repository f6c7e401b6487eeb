-- Describes a payment of a user for its receipt.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'found' | 'unknown'              (unknown: not the user's; without the other keys)
--   id?: bigint
--   order_id?: bigint | null
--   texts?: product_texts | null              (null: its order is unknown)
--   amount?: numeric
--   full_amount?: numeric | null              (without the discount; null: there was none)
--   currency?: text
--   provider?: text
--   status?: 'review' | 'disputed' | 'completed' | 'failed' | 'refunded' | 'pending'
--   refunded?: numeric                        (with what the payer's bank took back)
--   at?: timestamptz | null                   (when it was paid)
--   contact?: text | null                     (to which the fiscal receipt was sent)
--   is_renewal?: boolean                      (a period of an auto-renewal)
-- Errors: none.
create or replace function public.get_own_payment(p_user_id bigint, p_payment_id bigint)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      (
        select jsonb_build_object(
            'outcome', 'found',
            'id', p.id,
            'order_id', case when o.user_id = p_user_id then o.id end,
            'texts', d.texts,
            'amount', p.amount::text,
            'full_amount', o.full_amount::text,
            'currency', p.currency,
            'provider', p.provider,
            'status', case
              when p.problem is not null and p.status = 'completed' then 'review'
              when p.disputed > 0 then 'disputed'
              else p.status
            end,
            'refunded', (p.refunded + p.disputed)::text,
            'at', p.completed_at,
            'contact', case when o.user_id = p_user_id then o.contact end,
            'is_renewal', p.renewal_id is not null
          )
          from public.payments as p
          left join public.orders as o on o.id = p.order_id
          left join public.renewals as r on r.id = p.renewal_id
          left join public.products as d on d.key = coalesce(o.product_key, r.product_key)
          join public.users as u on u.id = p_user_id
         where p.id = p_payment_id
           and p.amount is not null
           and (
             p.user_id = u.id and p.problem is distinct from 'owner'
             -- Paid by this user for an order of another one, or for none.
             or p.user_id is distinct from u.id
               and p.problem in ('owner', 'no_order')
               and p.claims ->> 'telegram_id' = u.telegram_id::text
           )
      ),
      '{"outcome": "unknown"}'
    );
$$;

revoke all on function public.get_own_payment from public, anon, authenticated, service_role;
grant execute on function public.get_own_payment to bot_backend;
comment on function public.get_own_payment is 'Describes a payment of a user for its receipt';
