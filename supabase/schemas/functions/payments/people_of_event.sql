-- Finds the people that something told by a provider is about: who paid, as far as the provider knows, and whose order or
-- renewal it is. A charge that we know already says it too.
--
-- Twice or at once: only reads.
-- Returns: a row for each; user_id is null for an order or a renewal of somebody who was erased.
-- Errors: none.
create or replace function private.people_of_event(p_provider text, p_notices jsonb)
returns table (user_id bigint, is_payer boolean)
language sql
stable
security invoker
set search_path = ''
as $$
  with told as (
    select n.value as claims from jsonb_array_elements(p_notices) as n
    union all
    select p.claims
      from jsonb_array_elements(p_notices) as n
      join public.payments as p on p.provider = p_provider and p.provider_payment_id = n.value ->> 'payment_id'
  )
  select u.id, true
    from told as t
    join public.users as u on u.telegram_id = (t.claims ->> 'telegram_id')::bigint
  union all
  select o.user_id, false
    from told as t
    join public.orders as o on o.id = (t.claims ->> 'order_id')::bigint and o.provider = p_provider
  union all
  select r.user_id, false
    from told as t
    join public.renewals as r
      on r.provider = p_provider and r.provider_subscription_id = t.claims ->> 'subscription_id';
$$;

revoke all on function private.people_of_event from public, anon, authenticated;
comment on function private.people_of_event is 'The people that something told by a provider is about';
