-- Brings subscribers up to date with a user's subscriptions, and writes what changed to subscription_events: new or reactivated,
-- expansion, contraction, churned. A plan in its grace period is still active and therefore not churned.
--
-- Concurrency: the caller holds the user's lock. Derived from the subscriptions, so a repeated call changes nothing.
-- Locks: the user's row of subscribers.
-- Returns: void
-- Errors: none.
create or replace function private.refresh_subscriber(p_user_id bigint)
returns void
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
declare
  v_today date := (private.clock() at time zone private.setting('quota_timezone'))::date;
  v_before public.subscribers;
  v_now record;
  v_is_known boolean;
begin
  select c.* into v_now from private.current_subscription(p_user_id) as c;
  select s.* into v_before from public.subscribers as s where s.user_id = p_user_id for update;
  v_is_known := found;
  if not v_is_known and v_now.plan is null then
    return;
  end if;
  if v_now.plan is null then
    update public.subscribers as s
       set monthly_amount = 0, changed_at = private.clock()
     where s.user_id = p_user_id and s.monthly_amount > 0;
  else
    insert into public.subscribers as s (user_id, plan, currency, monthly_amount)
    values (p_user_id, v_now.plan, v_now.currency, v_now.monthly_amount)
    on conflict (user_id) do update
      set plan = excluded.plan, currency = excluded.currency, monthly_amount = excluded.monthly_amount,
          changed_at = excluded.changed_at
      where (s.plan, s.currency, s.monthly_amount) <> (excluded.plan, excluded.currency, excluded.monthly_amount);
  end if;
  insert into public.subscription_events (day, user_id, kind, plan, currency, amount, subscribers)
  select v_today, p_user_id, e.kind, coalesce(v_now.plan, v_before.plan), e.currency, e.amount, e.subscribers
    from (
      select case
               when v_is_known
                 -- Before counting began, or after an erasure of the row.
                 or exists (
                   select from public.subscriptions as s
                    where s.user_id = p_user_id and s.source = 'purchase' and s.status <> 'active'
                 ) then 'reactivated'
               else 'new'
             end as kind,
             v_now.currency as currency, v_now.monthly_amount as amount, 1 as subscribers
       where v_now.plan is not null and coalesce(v_before.monthly_amount, 0) = 0
      union all
      select 'churned', v_before.currency, -v_before.monthly_amount, -1
       where v_now.plan is null and v_before.monthly_amount > 0
      union all
      select case when v_now.monthly_amount > v_before.monthly_amount then 'expansion' else 'contraction' end,
             v_now.currency, v_now.monthly_amount - v_before.monthly_amount, 0
       where v_before.monthly_amount > 0 and v_now.currency = v_before.currency
         and v_now.monthly_amount <> v_before.monthly_amount
      union all
      select c.kind, c.currency, c.amount, c.subscribers
        from (
          values ('contraction', v_before.currency, -v_before.monthly_amount, -1),
          ('expansion', v_now.currency, v_now.monthly_amount, 1)
        ) as c (kind, currency, amount, subscribers)
       where v_before.monthly_amount > 0 and v_now.currency <> v_before.currency
    ) as e;
end
$$;

revoke all on function private.refresh_subscriber from public, anon, authenticated, service_role;
comment on function private.refresh_subscriber is 'Brings subscribers up to date and records what changed';
