-- Returns the monthly recurring revenue (MRR) of a period by currency, and what changed it: new, reactivated, expansion, contraction and
-- churned, as private.refresh_subscriber records them. `quarter` is what the lifetime value is estimated from: the 90 days that end with
-- p_until.
--
-- Concurrency: read-only. It reads sums of days.
-- Locks: none.
-- Returns: jsonb
--   step: 'day' | 'week' | 'month'
--   currencies: [ {
--     currency: text
--     mrr: numeric, subscribers: int          (at the end)
--     at_start: int                           (subscribers before the first day)
--     new: numeric, reactivated: numeric, expansion: numeric, contraction: numeric, churned: numeric
--     joined: int, lost: int                  (subscribers)
--     quarter: { since: date | null, at_start: int, lost: int }   (since: the first day with figures)
--     points: [ {
--       start: date, mrr: numeric, subscribers: int
--       new: numeric, reactivated: numeric, expansion: numeric, contraction: numeric, churned: numeric
--       joined: int, lost: int
--     } ]
--   } ]
-- Errors: N0009 the role does not allow it; N0004 the period is longer than two years or ends before it begins.
create or replace function public.analytics_subscriptions(p_actor_id bigint, p_from date, p_until date)
returns jsonb
language plpgsql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_step text := private.check_period(p_actor_id, p_from, p_until);
  v_found jsonb;
begin
  select jsonb_build_object('step', v_step, 'currencies', coalesce(jsonb_agg(c.figures order by c.currency), '[]'::jsonb))
    into v_found
    from (
      select t.currency,
        jsonb_build_object(
          'currency', t.currency,
          'mrr', (array_agg(t.mrr order by t.start desc))[1]::text,
          'subscribers', (array_agg(t.subscribers order by t.start desc))[1],
          'at_start', coalesce((
            select b.subscribers
              from public.daily_subscriptions as b
             where b.currency = t.currency and b.day = p_from - 1
          ), 0),
          'new', sum(t.new)::text, 'reactivated', sum(t.reactivated)::text, 'expansion', sum(t.expansion)::text,
          'contraction', sum(t.contraction)::text, 'churned', sum(t.churned)::text,
          'joined', sum(t.joined), 'lost', sum(t.lost),
          'quarter', (
            select jsonb_build_object(
                'since', min(q.day),
                'at_start', coalesce((array_agg(q.subscribers order by q.day))[1], 0),
                'lost', coalesce(sum(q.lost_subscribers) filter (where q.day > p_until - 90), 0)
              )
              from public.daily_subscriptions as q
             where q.currency = t.currency and q.day between p_until - 90 and p_until
          ),
          'points', jsonb_agg(
            jsonb_build_object(
              'start', t.start, 'mrr', t.mrr::text, 'subscribers', t.subscribers, 'new', t.new::text,
              'reactivated', t.reactivated::text, 'expansion', t.expansion::text, 'contraction', t.contraction::text,
              'churned', t.churned::text, 'joined', t.joined, 'lost', t.lost
            )
            order by t.start
          )
        ) as figures
        from (
          select r.currency, date_trunc(v_step, r.day::timestamp)::date as start,
            (array_agg(r.mrr order by r.day desc))[1] as mrr, (array_agg(r.subscribers order by r.day desc))[1] as subscribers,
            sum(r.new) as new, sum(r.reactivated) as reactivated, sum(r.expansion) as expansion,
            sum(r.contraction) as contraction, sum(r.churned) as churned,
            sum(r.new_subscribers) as joined, sum(r.lost_subscribers) as lost
            from private.subscription_rows(p_from, p_until) as r
           group by 1, 2
        ) as t
       group by t.currency
    ) as c;
  return v_found;
end
$$;

revoke all on function public.analytics_subscriptions from public, anon, authenticated, service_role;
grant execute on function public.analytics_subscriptions to bot_backend;
comment on function public.analytics_subscriptions is 'Returns the monthly recurring revenue and what changed it';
