-- Claims subscriptions that their provider (p_providers: a list of keys) must be asked to cancel now: those of erased users,
-- and those that another renewal has replaced.
--
-- Concurrency: renewals that another transaction has locked are skipped. A claimed one is claimed again after growing pauses, a
--   day at most, until the provider confirms (public.record_cancel_result).
-- Locks: renewals by next_cancel_attempt_at (FOR UPDATE SKIP LOCKED).
-- Returns: jsonb
--   [ {
--     id: bigint, provider: text, subscription_id: text,
--     telegram_id: bigint | null              (null: erased)
--     payment_id: text | null                 (its last charge)
--     payer: text | null
--   } ]
-- Errors: none.
create or replace function public.claim_renewals_to_cancel(p_providers jsonb, p_limit integer default 4)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select r.id
      from public.renewals as r
     where r.next_cancel_attempt_at <= private.clock() and p_providers ? r.provider
     order by r.next_cancel_attempt_at
     limit p_limit
       for update skip locked
  ),
  claimed as (
    update public.renewals as r
       set next_cancel_attempt_at = private.clock()
             + least((r.cancel_attempts + 1) * (r.cancel_attempts + 1), 1440) * interval '1 minute',
           cancel_attempts = r.cancel_attempts + 1
      from due
     where r.id = due.id
    returning r.id, r.provider, r.provider_subscription_id, r.user_id, r.payer
  )
  select coalesce(
      jsonb_agg(
        jsonb_build_object(
          'id', c.id,
          'provider', c.provider,
          'subscription_id', c.provider_subscription_id,
          'telegram_id', (select u.telegram_id from public.users as u where u.id = c.user_id),
          'payer', coalesce(c.payer, l.claims ->> 'payer'),
          'payment_id', l.provider_payment_id
        )
      ),
      '[]'::jsonb
    )
    from claimed as c
    left join lateral (
      select p.provider_payment_id, p.claims
        from public.payments as p
       where p.provider = c.provider and p.claims ->> 'subscription_id' = c.provider_subscription_id
       order by p.id desc
       limit 1
    ) as l on true;
$$;

revoke all on function public.claim_renewals_to_cancel from public, anon, authenticated, service_role;
grant execute on function public.claim_renewals_to_cancel to bot_backend;
comment on function public.claim_renewals_to_cancel is 'Claims subscriptions that their provider must cancel';
