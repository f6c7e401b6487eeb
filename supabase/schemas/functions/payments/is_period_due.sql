-- Returns whether the subscription that began with this order may be charged now: its last charge is about a period ago, or it
-- is canceled or ended, so that paying the order again starts it anew. The shortest month has 28 days; three days are left for
-- providers that charge early.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_period_due(p_order public.orders)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select r.id, r.status
      from public.renewals as r
     where r.provider = p_order.provider
       and r.provider_subscription_id in (
         select 'order:' || p_order.id
         union all
         select p.claims ->> 'subscription_id' from public.payments as p where p.order_id = p_order.id
       )
  )
  select exists (select from own as r where r.status in ('canceled', 'ended'))
    or not exists (
      select
        from public.payments as p
       where (p.order_id = p_order.id or p.renewal_id in (select r.id from own as r))
         and p.problem is null
         and p.status = 'completed'
         and p.completed_at > (select private.clock()) - case p_order.period
           when 'year' then interval '362 days'
           else interval '25 days'
         end
    );
$$;

revoke all on function private.is_period_due from public, anon, authenticated, service_role;
comment on function private.is_period_due is 'Whether the subscription that began with an order may be charged now';
