-- Closes an open charge attempt that the provider has no record of, so that the next attempt uses another idempotency key. A
-- canceled renewal gets no further attempt: the next run ends it (private.prepare_renewal).
--
-- Concurrency: one update of the renewal's row. Only attempt p_attempt is closed, so a repeated call changes nothing.
-- Locks: renewal.
-- Returns: void
-- Errors: none.
create or replace function public.abort_charge(p_renewal_id bigint, p_attempt integer)
returns void
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  update public.renewals as r
     set attempt_started_at = null,
         lease_until = null,
         attempts = r.attempts + 1,
         charge_at = greatest(r.charged_until, private.clock())
   where r.id = p_renewal_id and r.attempts = p_attempt and r.attempt_started_at is not null;
$$;

revoke all on function public.abort_charge from public, anon, authenticated, service_role;
grant execute on function public.abort_charge to bot_backend;
comment on function public.abort_charge is 'Closes a charge attempt that the provider has no record of';
