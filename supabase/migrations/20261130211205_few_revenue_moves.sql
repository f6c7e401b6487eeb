-- Few revenue moves.

-- Returns the money that moved in a period: what was received and what was returned (disputes too), each at the time it happened
-- at the provider. Test payments of production and purchases from the balance, whose money came with the top-up, are left out; so
-- are refunds in another currency and operations of payments that have not been reported yet.
--
-- p_since is included, p_until excluded.
--
-- Concurrency: read-only, over payment_operations_happened_idx.
-- Locks: none.
-- Returns: table (payment_id bigint, happened_at timestamptz, user_id bigint, currency text, paid numeric, back numeric)
-- Errors: none.
create or replace function private.revenue_moves(p_since timestamptz, p_until timestamptz)
returns table (
  payment_id bigint, happened_at timestamptz, user_id bigint, currency text, paid numeric, back numeric
)
language sql
stable
rows 100
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select o.payment_id, o.happened_at, p.user_id, p.currency,
    case when o.kind = 'paid' then o.amount else 0 end,
    case o.kind
      when 'paid' then 0 when 'refund_total' then o.amount - private.refunded_before(o) else o.amount
    end
    from public.payment_operations as o
    join public.payments as p on p.id = o.payment_id
   where o.happened_at >= p_since
     and o.happened_at < p_until
     and not o.is_undone
     and p.problem is distinct from 'test'
     and p.provider <> 'balance'
     and (o.kind = 'paid' or o.currency is null or o.currency = p.currency);
$$;

revoke all on function private.revenue_moves from public, anon, authenticated, service_role;
comment on function private.revenue_moves is 'Returns the money that moved in a period';
