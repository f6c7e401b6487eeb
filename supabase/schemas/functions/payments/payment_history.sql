-- Lists a user's payments and unpaid orders, newest first. A payment that is not fulfilled is under review until it is
-- refunded; its order is not listed besides.
--
-- p_offset: how many lines to skip, for the next page.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint | null                       (of the payment; null: an unpaid order)
--     order_id: bigint | null                 (of an order that can still be paid)
--     texts: product_texts | null             (null: a payment whose order is unknown)
--     amount: numeric
--     currency: text
--     status: 'pending' | 'expired' | 'canceled' | 'withdrawn'   (unpaid orders)
--       | 'review' | 'disputed' | 'completed' | 'failed' | 'refunded'
--     provider: text
--     refunded: numeric
--     at: timestamptz                         (when it was paid, or ordered)
--   } ]
-- Errors: none.
create or replace function public.payment_history(
  p_user_id bigint, p_limit integer default 10, p_offset integer default 0
)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select p.*
      from public.payments as p
     where p.user_id = p_user_id and p.problem is distinct from 'owner'
     union all
    select p.*
      from public.users as u
      join public.payments as p
        on p.claims ->> 'telegram_id' = u.telegram_id::text and p.problem in ('owner', 'no_order')
     where u.id = p_user_id and p.user_id is distinct from u.id
  ), lines as (
    select
      p.id, null::bigint as order_id, d.texts, p.amount, p.currency,
      case
        when p.problem is not null and p.status = 'completed' then 'review'
        when p.disputed > 0 then 'disputed'
        else p.status
      end as status,
      p.provider, p.refunded + p.disputed as refunded, p.completed_at as at
    from own as p
    left join public.orders as o on o.id = p.order_id
    left join public.renewals as r on r.id = p.renewal_id
    left join public.products as d on d.key = coalesce(o.product_key, r.product_key)
    where p.amount is not null
    union all
    select
      null,
      case when s.is_payable then o.id end,
      d.texts, o.amount, o.currency,
      case when o.status = 'pending' and o.expires_at <= (select private.clock()) then 'expired' else o.status end,
      o.provider, 0, o.created_at
    from public.orders as o
    join public.products as d on d.key = o.product_key
    cross join lateral (
      select o.status = 'pending' and o.renewal_id is null and o.checkout_url is not null
        and private.checkout_state(o) is null as is_payable
    ) as s
    where o.user_id = p_user_id
      and o.status <> 'completed'
      and not exists (select from own as p where p.order_id = o.id and p.amount is not null)
    order by at desc, order_id desc nulls last
    limit least(p_limit, 50)
    offset p_offset
  )
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', l.id,
          'order_id', l.order_id,
          'texts', l.texts,
          'amount', l.amount::text,
          'currency', l.currency,
          'status', l.status,
          'provider', l.provider,
          'refunded', l.refunded::text,
          'at', l.at
        )
        order by l.at desc
      ),
      '[]'
    )
    from lines as l;
$$;

revoke all on function public.payment_history from public, anon, authenticated, service_role;
grant execute on function public.payment_history to bot_backend;
comment on function public.payment_history is 'A user''s payments and unpaid orders';
