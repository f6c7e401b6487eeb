-- Returns whether an event on a provider's statement is about this database: its payment is known, or it names an order or a
-- subscription of ours. An account may serve other shops and environments, whose order numbers may equal ours; so an event that
-- happened before the order was created is not about it (ten minutes are allowed for clocks that differ).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_our_listed_event(p_provider text, p_event jsonb)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
      select from public.payments as p
       where p.provider = p_provider and p.provider_payment_id = p_event ->> 'payment_id'
    )
    or exists (
      select from public.orders as o
       where o.id = (p_event ->> 'order_id')::bigint
         and o.provider = p_provider
         and o.created_at < coalesce((p_event ->> 'happened_at')::timestamptz, 'infinity') + interval '10 minutes'
    )
    or exists (
      select from public.renewals as r
       where r.provider = p_provider
         and r.provider_subscription_id = p_event ->> 'subscription_id'
         -- Telegram's id of a subscription is that of its order, which the condition above covers.
         and p_event ->> 'subscription_id' is distinct from p_event ->> 'order_id'
    );
$$;

revoke all on function private.is_our_listed_event from public, anon, authenticated, service_role;
comment on function private.is_our_listed_event is 'Whether an event on a provider''s statement is about this database';
