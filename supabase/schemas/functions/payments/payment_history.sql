-- What a person ordered and paid, the newest first.
--
-- Twice or at once: only reads.
-- Returns: json [{id, texts, amount, currency, status, provider, at, refunded}]; status is pending | canceled | withdrawn for
--   an order without money, else the payment's; `at` is when it was paid, or ordered.
-- Errors: none.
create or replace function public.payment_history(p_user_id bigint, p_limit integer default 10)
returns json
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with lines as (
    select
      p.id, d.texts, p.amount, p.currency, p.status, p.provider, p.refunded + p.disputed as refunded,
      p.completed_at as at
    from public.payments as p
    left join public.orders as o on o.id = p.order_id
    left join public.renewals as r on r.id = p.renewal_id
    join public.products as d on d.key = coalesce(o.product_key, r.product_key)
    where p.user_id = p_user_id and p.amount is not null
    union all
    select
      null, d.texts, o.amount, o.currency,
      case when o.status = 'pending' and o.expires_at <= (select private.clock()) then 'canceled' else o.status end,
      o.provider, 0, o.created_at
    from public.orders as o
    join public.products as d on d.key = o.product_key
    where o.user_id = p_user_id and o.status <> 'completed'
    order by at desc
    limit least(p_limit, 50)
  )
  select coalesce(
      json_agg(
        json_build_object(
          'id', l.id,
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
comment on function public.payment_history is 'What a person ordered and paid';
