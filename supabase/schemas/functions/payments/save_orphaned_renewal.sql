-- Stores the subscription of an erased user at its provider, and whether it must be canceled there. Its order or its earlier
-- payment shows that the user is erased. The renewal may not exist yet, if the user paid after the erasure.
--
-- Concurrency: a renewal is unique by the provider's id. One that must be canceled stays so until the provider reports that the
--   subscription has stopped.
-- Locks: renewal.
-- Returns: boolean: true for a new renewal, false for a known one, null if the subscription belongs to no erased user.
-- Errors: none.
create or replace function private.save_orphaned_renewal(p_provider text, p_claims jsonb, p_is_running boolean)
returns boolean
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_subscription_id text := p_claims ->> 'subscription_id';
begin
  update public.renewals as r
     set next_cancel_attempt_at = case when p_is_running then coalesce(r.next_cancel_attempt_at, private.clock()) end,
         cancel_attempts = case when r.next_cancel_attempt_at is null or not p_is_running then 0 else r.cancel_attempts end,
         payer = case when p_is_running then coalesce(p_claims ->> 'payer', r.payer) end
   where r.provider = p_provider and r.provider_subscription_id = v_subscription_id and r.user_id is null;
  if found then
    return false;
  end if;
  insert into public.renewals (
    product_key, provider, provider_subscription_id, status, currency, amount, plan, period, bot, ended_at,
    next_cancel_attempt_at, payer
  )
  select
    o.product_key, o.provider, v_subscription_id, 'ended', o.currency, o.amount, o.plan, o.period, o.bot,
    private.clock(),
    case when p_is_running then private.clock() end,
    case when p_is_running then p_claims ->> 'payer' end
    from public.orders as o
   where o.provider = p_provider
     and o.user_id is null
     and o.plan is not null
     and o.period is not null
     and v_subscription_id is not null
     and (
       o.id = (p_claims ->> 'order_id')::bigint
       or o.id in (
         select (p.claims ->> 'order_id')::bigint
           from public.payments as p
          where p.provider = p_provider and p.claims ->> 'subscription_id' = v_subscription_id
       )
     )
   limit 1
  on conflict (provider, provider_subscription_id) do nothing;
  return case when found then true end;
end
$$;

revoke all on function private.save_orphaned_renewal from public, anon, authenticated, service_role;
comment on function private.save_orphaned_renewal is 'Stores the subscription of an erased user';
