-- Finds the users that payment events concern: the payer, if the provider reports them, and the buyer of the order or renewal.
-- A payment that is already recorded contributes its attributes (payments.claims) too.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table, one row per user found; user_id is null for the order or renewal of an erased user.
-- Errors: none.
create or replace function private.users_of_event(p_provider text, p_events jsonb)
returns table (user_id bigint, is_payer boolean)
language plpgsql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_telegram_ids bigint[];
  v_order_ids bigint[];
  v_subscription_ids text[];
begin
  -- Arrays instead of joins: they have a few elements, which the planner knows from the array.
  select
    array_agg((t.claims ->> 'telegram_id')::bigint),
    array_agg((t.claims ->> 'order_id')::bigint),
    array_agg(t.claims ->> 'subscription_id')
    into v_telegram_ids, v_order_ids, v_subscription_ids
    from (
      select n.value as claims from jsonb_array_elements(p_events) as n
      union all
      select p.claims
        from public.payments as p
       where p.provider = p_provider
         and p.provider_payment_id = any(
           array(select n.value ->> 'payment_id' from jsonb_array_elements(p_events) as n)
         )
    ) as t;
  return query
    select u.id, true from public.users as u where u.telegram_id = any(v_telegram_ids)
    union all
    select o.user_id, false from public.orders as o where o.id = any(v_order_ids) and o.provider = p_provider
    union all
    select r.user_id, false
      from public.renewals as r
     where r.provider = p_provider and r.provider_subscription_id = any(v_subscription_ids);
end
$$;

revoke all on function private.users_of_event from public, anon, authenticated, service_role;
comment on function private.users_of_event is 'Users that payment events concern';
