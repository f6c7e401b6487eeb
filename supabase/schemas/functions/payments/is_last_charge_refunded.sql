-- Returns whether the last charge of a renewal was fully refunded or is disputed. Such a renewal is not charged again.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_last_charge_refunded(p_renewal public.renewals)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (
      select p.status = 'refunded' or p.disputed > 0
        from public.payments as p
       where p.amount > 0
         and p.problem is null
         and (
           p.renewal_id = p_renewal.id
           or p.order_id = nullif(split_part(p_renewal.provider_subscription_id, 'order:', 2), '')::bigint
         )
       order by p.id desc
       limit 1
    ),
    false
  );
$$;

revoke all on function private.is_last_charge_refunded from public, anon, authenticated, service_role;
comment on function private.is_last_charge_refunded is 'Whether the last charge of a renewal was refunded or is disputed';
