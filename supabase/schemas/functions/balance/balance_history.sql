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
