-- Verifies that payments, their fulfilment, refunds and the balance ledger agree. For admins and tests.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: table (payment_id bigint, wrong text), one row per contradiction; none if everything agrees.
-- Errors: none.
create or replace function public.check_payments()
returns table (payment_id bigint, wrong text)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with sums as (
    select
      p.id,
      p.status,
      p.amount,
      p.refunded,
      p.disputed,
      p.problem,
      p.order_id,
      (select sum(o.amount) from public.payment_operations as o where o.payment_id = p.id and o.kind = 'paid') as paid,
      (
        select coalesce(sum(o.amount), 0)
          from public.payment_operations as o
         where o.payment_id = p.id
           and o.kind = 'dispute'
           and not o.is_undone
           and not private.has_other_currency(o)
      ) as in_dispute,
      (
        select greatest(
            coalesce(sum(o.amount) filter (where o.kind = 'refund' and not o.is_undone), 0),
            coalesce(max(o.amount) filter (where o.kind = 'refund_total'), 0)
          )
          from public.payment_operations as o
         where o.payment_id = p.id and not private.has_other_currency(o)
      ) as went_back,
      (
        select count(*)
          from public.payment_effects as e
         where e.payment_id = p.id and e.effect not in ('commission', 'second_commission')
      ) as effects
    from public.payments as p
  )
  select s.id, 'the amount differs from the charge' from sums as s where s.amount is distinct from s.paid
  union all
  select s.id, 'the disputed sum differs from the disputes'
    from sums as s
   where s.disputed <> s.in_dispute
  union all
  select s.id, 'the refunded sum differs from the refunds'
    from sums as s
   where s.refunded <> s.went_back
  union all
  select s.id, 'the status does not follow from the sums'
    from sums as s
   where (s.amount is not null) <> (s.status in ('completed', 'refunded'))
      or (s.amount > 0 and (s.refunded + s.disputed >= s.amount) <> (s.status = 'refunded'))
  union all
  select s.id, 'paid and not fulfilled' from sums as s where s.amount is not null and s.problem is null and s.effects <> 1
  union all
  select s.id, 'fulfilled and not paid' from sums as s where s.effects > 0 and (s.problem is not null or s.amount is null)
  union all
  select s.id, 'an order was fulfilled twice'
    from sums as s
   where s.effects > 0
     and exists (select from sums as t where t.order_id = s.order_id and t.id < s.id and t.effects > 0)
  union all
  select s.id, 'the discount of a fulfilled order is not consumed'
    from sums as s
    join public.orders as o on o.id = s.order_id
    join public.promocode_usages as u on u.promocode_id = o.promocode_id and u.user_id = o.user_id
   where s.effects > 0 and u.consumed_at is null
  union all
  select s.id, 'its discount was used for another order, too'
    from sums as s
    join public.orders as o on o.id = s.order_id
   where s.effects > 0
     and exists (
       select
         from public.orders as p
        where p.promocode_id = o.promocode_id
          and p.user_id = o.user_id
          and p.id < o.id
          and exists (
            select
              from public.payments as q
              join public.payment_effects as e on e.payment_id = q.id
             where q.order_id = p.id
          )
     )
  union all
  select s.id, 'fully refunded and not reversed'
    from sums as s
    join public.payment_effects as e on e.payment_id = s.id
   where s.status = 'refunded' and e.reversal_target <> e.given
  union all
  select r.payment_id, 'a refund is done without its operation'
    from public.refunds as r
   where r.status = 'done'
     and not exists (
       select from public.payment_operations as o
        where o.payment_id = r.payment_id
          and o.kind in ('refund', 'refund_total')
          and o.operation_id = r.operation_id
          and o.amount >= r.amount
          and not o.is_undone
     )
  union all
  select p.id, 'the ledger differs from what was paid from balance'
    from public.payments as p
   where p.provider = 'balance'
     and coalesce(p.refunded - p.amount, 0) <> (
       select coalesce(sum(t.amount), 0)
         from public.balance_transactions as t
        where t.reference = p.provider_payment_id || ':paid'
           or t.reference in (select 'refunds:' || r.id from public.refunds as r where r.payment_id = p.id)
     )
  union all
  select e.payment_id, 'the ledger differs from the balance effects'
    from public.payment_effects as e
   where e.effect in ('balance', 'commission', 'second_commission')
     and e.given - e.reversed <> (
       select coalesce(sum(t.amount), 0)
         from public.balance_transactions as t
        where t.reference like format('payments:%s:%s:%%', e.payment_id, e.effect)
     );
$$;

revoke all on function public.check_payments from public, anon, authenticated, service_role;
grant execute on function public.check_payments to bot_backend, service_role;
comment on function public.check_payments is 'Verifies that payments, their fulfilment and the ledger agree';
