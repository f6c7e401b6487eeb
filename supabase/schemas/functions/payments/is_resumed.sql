-- Returns whether a payment shows that a canceled or ended subscription runs again: the provider charges it by its own
-- schedule, and did so after the cancellation. A charge that was made before and arrives later shows nothing, nor does one
-- while the provider must still cancel the subscription (next_cancel_attempt_at). Providers report whole seconds: a charge
-- within the second of the cancellation counts as later, because a running renewal that is shown as canceled costs the user
-- more than a canceled one that is shown as running.
--
-- Concurrency: read-only. The caller holds the renewal's lock.
-- Locks: none.
-- Returns: boolean
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
    and p_renewal.next_cancel_attempt_at is null
    and p_renewal.provider_subscription_id not like 'order:%'
    and p_payment.status = 'completed'
    and coalesce((p_payment.claims ->> 'paid_at')::timestamptz, p_payment.completed_at)
      >= date_trunc('second', coalesce(p_renewal.canceled_at, p_renewal.ended_at)),
    false
  );
$$;

revoke all on function private.is_resumed from public, anon, authenticated, service_role;
comment on function private.is_resumed is 'Whether a payment shows that a canceled subscription runs again';
