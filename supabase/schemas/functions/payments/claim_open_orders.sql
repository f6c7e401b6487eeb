-- Claims orders whose state must be queried at their provider now (p_providers: a list of keys), and cancels pending orders
-- that expired a day ago.
--
-- Concurrency: orders that another transaction has locked are skipped. A claimed order is claimed again after a pause that
--   grows with its age: five minutes for a new one, hours after days.
-- Locks: orders (FOR UPDATE SKIP LOCKED): the expired ones by expires_at, then the claimed ones by the time of their last
--   query.
-- Returns: jsonb
--   [ { id: bigint, provider: text, reference: text } ]
-- Errors: none.
create or replace function public.claim_open_orders(p_providers jsonb, p_limit integer default 50)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := private.clock();
  v_orders jsonb;
begin
  -- A common table expression runs once; a plan may run a subquery again for each row, and then the limit is passed.
  with expired as (
    select e.id
      from public.orders as e
     where e.status = 'pending' and e.expires_at < v_now - interval '1 day'
     order by e.expires_at
     limit p_limit
       for update skip locked
  )
  update public.orders as o set status = 'canceled' from expired where o.id = expired.id;
  with due as (
    select o.id
      from public.orders as o
     where o.status in ('pending', 'withdrawn')
       and o.expires_at > v_now - interval '1 day'
       and o.checkout_reference is not null
       and p_providers ? o.provider
       and o.created_at < v_now - interval '5 minutes'
       and coalesce(o.checked_at, '-infinity')
         < v_now - greatest(interval '5 minutes', (v_now - o.created_at) / 6)
     order by coalesce(o.checked_at, o.created_at)
     limit p_limit
       for update skip locked
  ),
  claimed as (
    update public.orders as o set checked_at = v_now from due where o.id = due.id
    returning o.id, o.provider, o.checkout_reference
  )
  select coalesce(
      jsonb_agg(jsonb_build_object('id', c.id, 'provider', c.provider, 'reference', c.checkout_reference)), '[]'
    )
    into v_orders
    from claimed as c;
  return v_orders;
end
$$;

revoke all on function public.claim_open_orders from public, anon, authenticated, service_role;
grant execute on function public.claim_open_orders to bot_backend;
comment on function public.claim_open_orders is 'Claims orders whose state must be queried at their provider';
