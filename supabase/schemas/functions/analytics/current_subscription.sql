-- Returns the subscription that makes a user a subscriber: of the active ones that were bought, the one of the highest plan.
--
-- Concurrency: read-only. A caller that stores it holds the user's lock.
-- Locks: none.
-- Returns: record, plan, currency and monthly_amount; all null without one.
-- Errors: none.
create or replace function private.current_subscription(
  p_user_id bigint, out plan text, out currency text, out monthly_amount numeric
)
returns record
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select s.plan, s.currency, s.monthly_amount
    from public.subscriptions as s
    join public.subscription_limits as l on l.plan = s.plan
   where s.user_id = p_user_id and s.source = 'purchase' and s.status = 'active' and s.monthly_amount is not null
   order by l.vip_level desc, s.id desc
   limit 1;
$$;

revoke all on function private.current_subscription from public, anon, authenticated, service_role;
comment on function private.current_subscription is 'Returns the subscription that makes a user a subscriber';
