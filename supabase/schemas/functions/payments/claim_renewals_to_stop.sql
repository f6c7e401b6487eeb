-- Gives the subscriptions that their provider (p_providers: a list of keys) is to be asked to stop now: those of erased users,
-- and those that another one has replaced.
--
-- Twice or at once: rows that somebody holds are skipped; one that was given is given again after growing pauses, a day at
--   most, until it is stopped.
-- Returns: jsonb [{id, provider, subscription_id, telegram_id, payment_id, payer}]; payment_id is its last charge, telegram_id
--   is null for an erased user.
-- Errors: none.
create or replace function public.claim_renewals_to_stop(p_providers jsonb, p_limit integer default 4)
returns jsonb
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select r.id
      from public.renewals as r
     where r.stop_at <= private.clock() and p_providers ? r.provider
     order by r.stop_at
     limit p_limit
       for update skip locked
  ),
  claimed as (
    update public.renewals as r
       set stop_at = private.clock() + least((r.stop_attempts + 1) * (r.stop_attempts + 1), 1440) * interval '1 minute',
           stop_attempts = r.stop_attempts + 1
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

revoke all on function public.claim_renewals_to_stop from public, anon, authenticated, service_role;
grant execute on function public.claim_renewals_to_stop to bot_backend;
comment on function public.claim_renewals_to_stop is 'Gives the subscriptions that are to be stopped now';
