-- Finds the people that something told by a provider is about: who paid, as far as the provider knows, and whose order or
-- renewal it is. A charge that we know already says it too.
--
-- Twice or at once: only reads.
-- Returns: a row for each; user_id is null for an order or a renewal of somebody who was erased.
-- Errors: none.
create or replace function private.people_of_event(p_provider text, p_notices jsonb)
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
  -- As arrays: a handful of them, and the planner knows it.
  select
    array_agg((t.claims ->> 'telegram_id')::bigint),
    array_agg((t.claims ->> 'order_id')::bigint),
    array_agg(t.claims ->> 'subscription_id')
    into v_telegram_ids, v_order_ids, v_subscription_ids
    from (
      select n.value as claims from jsonb_array_elements(p_notices) as n
      union all
      select p.claims
        from public.payments as p
       where p.provider = p_provider
         and p.provider_payment_id = any(
           array(select n.value ->> 'payment_id' from jsonb_array_elements(p_notices) as n)
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

revoke all on function private.people_of_event from public, anon, authenticated, service_role;
comment on function private.people_of_event is 'The people that something told by a provider is about';
