-- Tells whether a payment shows that a canceled subscription runs again: its provider has the schedule, and charged it after it
-- was canceled. A charge that was made before and told later shows nothing, nor does one while we have it stopped there.
--
-- Twice or at once: only reads; the caller holds the renewal's row.
-- Returns: true or false. Providers tell whole seconds: within the second of the cancellation the charge counts as later, because
--   a renewal that runs and is called off costs the user more than one that is off and called running.
-- Errors: none.
create or replace function private.is_resumed(p_renewal public.renewals, p_payment public.payments)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    p_renewal.status in ('canceled', 'ended')
    and p_renewal.user_id is not null
    and p_renewal.stop_at is null
    and p_renewal.provider_subscription_id not like 'order:%'
    and p_payment.status = 'completed'
    and coalesce((p_payment.claims ->> 'paid_at')::timestamptz, p_payment.completed_at)
      >= date_trunc('second', coalesce(p_renewal.canceled_at, p_renewal.ended_at)),
    false
  );
$$;

revoke all on function private.is_resumed from public, anon, authenticated, service_role;
comment on function private.is_resumed is 'Whether a payment shows that a canceled subscription runs again';
