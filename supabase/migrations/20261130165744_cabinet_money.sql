-- Pages of money in the cabinet.

-- More parameters with defaults: the live revision calls it as before.
-- squawk-ignore ban-drop-function
drop function public.payment_history(p_user_id bigint, p_limit integer);

-- Lists the changes of a user's balance, newest first, at most 50 of them.
--
-- p_before: only entries with a lower id, for the next page.
--
-- Concurrency: read-only, over balance_transactions_user_idx.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     id: bigint
--     amount: numeric                         (negative: a debit)
--     balance_after: numeric
--     reason: text                            (a word, or that of another service)
--     texts: product_texts | null             (of what was bought, for a purchase or top-up)
--     at: timestamptz
--   } ]                                       (newest first)
-- Errors: none.
create or replace function public.balance_history(
  p_user_id bigint, p_before bigint default null, p_limit integer default 20
)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', t.id,
          'amount', t.amount::text,
          'balance_after', t.balance_after::text,
          'reason', t.reason,
          'texts', d.texts,
          'at', t.created_at
        )
        order by t.id desc
      ),
      '[]'
    )
    from (
      select b.*
        from public.balance_transactions as b
       where b.user_id = p_user_id and (p_before is null or b.id < p_before)
       order by b.id desc
       limit least(p_limit, 50)
    ) as t
    left join public.payments as p on p.id = substring(t.reference from '^payments:([0-9]{1,18}):')::bigint
    left join public.orders as o
      on o.id = coalesce(p.order_id, substring(t.reference from '^orders:([0-9]{1,18}):')::bigint)
     and o.user_id = p_user_id  -- a commission is for the purchase of another user
    left join public.products as d on d.key = o.product_key;
$$;

revoke all on function public.balance_history from public, anon, authenticated, service_role;
grant execute on function public.balance_history to bot_backend;
comment on function public.balance_history is 'Lists the changes of a user''s balance';

-- Describes an order and its state for the page of its buyer.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: jsonb
--   outcome: 'found' | 'unknown'              (unknown: not the user's, or an order of a renewal; without the other keys)
--   state?: 'paid' | 'held' | 'refunded' | 'disputed' | 'withdrawn' | 'canceled' | 'expired' | null   (null: can be paid)
--   product_key?: text
--   created_at?: timestamptz
--   is_pending?: boolean                      (the provider reported that a payment is in progress)
--   is_failed?: boolean                       (an attempt to pay it failed)
--   payment_id?: bigint | null                (its last payment)
--   ...?private.order_details                 (found)
-- Errors: none.
create or replace function public.get_own_order(p_user_id bigint, p_order_id bigint)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_order public.orders;
  v_state text;
begin
  select o.* into v_order
    from public.orders as o
   where o.id = p_order_id and o.user_id = p_user_id and o.renewal_id is null;
  if not found then
    return '{"outcome": "unknown"}'::jsonb;
  end if;
  v_state := private.checkout_state(v_order);
  return private.order_details(v_order, 'found') || jsonb_build_object(
    'state', case when v_state = 'expired' and v_order.status = 'canceled' then 'canceled' else v_state end,
    'product_key', v_order.product_key,
    'created_at', v_order.created_at,
    'is_pending', 'pending' = any(v_order.notified),
    'is_failed', 'failed' = any(v_order.notified),
    'payment_id', (
      select max(p.id) from public.payments as p where p.order_id = v_order.id and p.user_id = p_user_id
    )
  );
end
$$;

revoke all on function public.get_own_order from public, anon, authenticated, service_role;
grant execute on function public.get_own_order to bot_backend;
comment on function public.get_own_order is 'Describes an order and its state for the page of its buyer';

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
