-- Returns whether the admins got a message within a day about the subscription of an erased user that this payment is for, one
-- that was never paid before the erasure.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_orphan_reported(p_payment public.payments)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
      from public.renewals as r
     where r.provider = p_payment.provider
       and r.provider_subscription_id = p_payment.claims ->> 'subscription_id'
       and r.user_id is null
       and r.charged_until is null
       and r.created_at > private.clock() - interval '1 day'
  );
$$;

revoke all on function private.is_orphan_reported from public, anon, authenticated, service_role;
comment on function private.is_orphan_reported is 'Whether the admins were alerted about an erased user''s subscription';
