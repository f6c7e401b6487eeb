-- Returns whether an event of this subscription was given up before, because no user had the subscription for a day
-- (public.record_payment_event).
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean
-- Errors: none.
create or replace function private.is_subscription_ignored(p_provider text, p_subscription_id text)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select
      from public.payment_events as e
     where e.provider = p_provider
       and e.user_id is null
       and e.processed_at is not null
       and e.error is not null
       and e.events @> jsonb_build_array(jsonb_build_object('subscription_id', p_subscription_id))
  );
$$;

revoke all on function private.is_subscription_ignored from public, anon, authenticated, service_role;
comment on function private.is_subscription_ignored is 'Whether an event of this subscription was given up before';
