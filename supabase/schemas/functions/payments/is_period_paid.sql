-- Returns whether another payment was fulfilled for the same period of a subscription. An invoice for a change within the
-- period has the same period end and grants nothing more.
--
-- Concurrency: read-only. The caller holds the order or the renewal, so of two payments for one period the second one finds the
--   first.
-- Locks: none.
-- Returns: boolean; false if the provider does not report the period's end.
-- Errors: none.
create or replace function private.is_period_paid(p_payment public.payments)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
      from public.payments as p
     where p.provider = p_payment.provider
       and p.claims ->> 'subscription_id' = p_payment.claims ->> 'subscription_id'
       and p.id <> p_payment.id
       and p.problem is null
       and p.amount is not null
       and (p.claims ->> 'period_ends_at')::timestamptz = (p_payment.claims ->> 'period_ends_at')::timestamptz
  );
$$;

revoke all on function private.is_period_paid from public, anon, authenticated, service_role;
comment on function private.is_period_paid is 'Whether another payment was fulfilled for the same period';
