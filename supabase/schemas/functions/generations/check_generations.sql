-- Verifies that jobs, what they took, the balance ledger and the counters of requests agree. For admins and tests.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: table (generation_id bigint, wrong text), one row per contradiction; none if everything agrees.
-- Errors: none.
create or replace function public.check_generations()
returns table (generation_id bigint, wrong text)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with jobs as (
    select
      g.id,
      g.state,
      g.is_late,
      g.slot,
      count(*) filter (where e.effect = 'reserved') as reserved,
      count(*) filter (where e.effect = 'settled') as settled,
      count(*) filter (where e.effect = 'released') as released,
      coalesce(sum(e.plan_requests), 0) as plan_requests,
      coalesce(sum(e.bonus_requests), 0) as bonus_requests,
      coalesce(sum(e.amount), 0) as amount
      from public.generations as g
      left join public.generation_effects as e on e.generation_id = g.id
     where g.user_id is not null
     group by g.id
  )
  select j.id, 'nothing was reserved' from jobs as j where j.reserved = 0
  union all
  select j.id, 'less than nothing is charged' from jobs as j where least(j.plan_requests, j.bonus_requests, j.amount) < 0
  union all
  select j.id, 'it has ended without a result and its price is not released'
    from jobs as j
   where j.state in ('failed', 'refused', 'expired', 'canceled')
     and (j.released = 0 or j.plan_requests + j.bonus_requests + j.amount <> 0)
  union all
  select j.id, 'it is in progress and was settled or released'
    from jobs as j
   where j.state in ('reserved', 'submitting', 'submitted', 'copied') and not j.is_late and j.settled + j.released > 0
  union all
  select j.id, 'it succeeded and was not settled, or was released'
    from jobs as j
   where j.state in ('succeeded', 'delivered') and not j.is_late and (j.settled = 0 or j.released > 0)
  union all
  select j.id, 'a late result was charged'
    from jobs as j
   where j.is_late and (j.released = 0 or j.plan_requests + j.bonus_requests + j.amount <> 0)
  union all
  select j.id, 'it is over and holds a slot'
    from jobs as j
   where j.slot is not null and j.state not in ('reserved', 'submitting', 'submitted', 'copied')
  union all
  select e.generation_id, 'the ledger differs from what was taken'
    from public.generation_effects as e
    left join public.balance_transactions as t on t.reference = format('generations:%s:%s', e.generation_id, e.effect)
   where coalesce(t.amount, 0) <> -e.amount
  union all
  select split_part(t.reference, ':', 2)::bigint, 'the ledger has an entry that was not taken'
    from public.balance_transactions as t
   where t.reference like 'generations:%'
     and exists (select from public.generations as g where g.id = split_part(t.reference, ':', 2)::bigint)
     and not exists (
       select
         from public.generation_effects as e
        where e.generation_id = split_part(t.reference, ':', 2)::bigint and e.effect = split_part(t.reference, ':', 3)
     )
  union all
  select h.id, 'the requests of the day are fewer than its jobs hold'
    from (
      select
        max(g.id) as id,
        g.user_id,
        g.bot,
        g.day,
        sum(e.plan_requests) as plan_requests,
        sum(e.bonus_requests) as bonus_requests
        from public.generations as g
        join public.generation_effects as e on e.generation_id = g.id
       group by g.user_id, g.bot, g.day
    ) as h
    left join public.daily_usage as d on d.user_id = h.user_id and d.bot = h.bot and d.day = h.day
   where coalesce(d.bonus_requests, 0) < h.bonus_requests
      or (
        coalesce(d.requests, 0) < h.plan_requests
        and not exists (
          select
            from public.audit_log as l
           where l.user_id = h.user_id and l.action = 'reset_user_usage'
             and l.created_at >= h.day::timestamp at time zone private.setting('quota_timezone')
        )
      );
$$;

revoke all on function public.check_generations from public, anon, authenticated, service_role;
grant execute on function public.check_generations to bot_backend, service_role;
comment on function public.check_generations is 'Verifies that jobs, ledger and quota agree';
