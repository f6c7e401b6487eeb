-- Tells whether a period of a subscription was given for another payment: an invoice for a change within the period has the
-- same end, and gives nothing more.
--
-- Twice or at once: only reads; the caller holds the order or the renewal, so of two payments for one period the second is
--   seen as such.
-- Returns: false for a payment whose provider does not name the period's end.
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
comment on function private.is_period_paid is 'Whether a period of a subscription was given for another payment';
