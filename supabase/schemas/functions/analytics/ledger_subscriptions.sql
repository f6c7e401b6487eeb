-- Sums subscription_events of a day by currency, on top of the figures of the last day that is summed before it. A currency without
-- events keeps its figures.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: setof public.daily_subscriptions
-- Errors: none.
create or replace function private.ledger_subscriptions(p_day date)
returns setof public.daily_subscriptions
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with base as (
    select max(d.day) as day from public.daily_subscriptions as d where d.day < p_day
  ), known as (
    select d.currency, d.mrr, d.subscribers from public.daily_subscriptions as d join base as b on d.day = b.day
  ), events as (
    select e.currency, e.day, e.kind, e.amount, e.subscribers
      from public.subscription_events as e
      cross join base as b
     where e.day > coalesce(b.day, '-infinity') and e.day <= p_day
  ), figures as (
    select e.currency,
      sum(e.amount) as mrr,
      sum(e.subscribers) as subscribers,
      coalesce(sum(e.amount) filter (where e.day = p_day and e.kind = 'new'), 0) as new,
      coalesce(sum(e.amount) filter (where e.day = p_day and e.kind = 'expansion'), 0) as expansion,
      coalesce(sum(e.amount) filter (where e.day = p_day and e.kind = 'contraction'), 0) as contraction,
      coalesce(sum(e.amount) filter (where e.day = p_day and e.kind = 'churned'), 0) as churned,
      coalesce(sum(e.amount) filter (where e.day = p_day and e.kind = 'reactivated'), 0) as reactivated,
      count(*) filter (where e.day = p_day and e.kind in ('new', 'reactivated')) as new_subscribers,
      count(*) filter (where e.day = p_day and e.kind = 'churned') as lost_subscribers
      from events as e
     group by e.currency
  )
  select p_day, coalesce(f.currency, k.currency), coalesce(k.mrr, 0) + coalesce(f.mrr, 0),
    (coalesce(k.subscribers, 0) + coalesce(f.subscribers, 0))::integer,
    coalesce(f.new, 0), coalesce(f.expansion, 0), coalesce(f.contraction, 0), coalesce(f.churned, 0),
    coalesce(f.reactivated, 0), coalesce(f.new_subscribers, 0)::integer, coalesce(f.lost_subscribers, 0)::integer
    from known as k
    full join figures as f on f.currency = k.currency;
$$;

revoke all on function private.ledger_subscriptions from public, anon, authenticated, service_role;
comment on function private.ledger_subscriptions is 'Sums the subscription events of a day';
