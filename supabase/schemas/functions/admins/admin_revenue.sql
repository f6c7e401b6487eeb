-- Returns revenue by currency, and how many new users became buyers, for today, 7 and 30 days.
--
-- Gross is all money received, refunds what was returned (disputes too), each on the day it happened at the provider;
-- both without the test payments of production and without purchases from the balance, whose money came with the
-- top-up. A new user counts as paying once any payment of theirs was received.
--
-- Concurrency: read-only, over an index: it reads the operations of 30 days, however many came before.
-- Locks: none.
-- Returns: jsonb
--   currencies: [ {
--     currency: text,
--     day: { gross: numeric, refunds: numeric, net: numeric },
--     week: public.admin_revenue.currencies.day,
--     month: public.admin_revenue.currencies.day
--   } ]
--   day: {
--     payments: int, refunds: int             (how many),
--     new: int                                (users who came),
--     paid: int                               (how many of them paid)
--   }
--   week: public.admin_revenue.day
--   month: public.admin_revenue.day
-- Errors: N0001 not an admin.
create or replace function public.admin_revenue(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_timezone text := private.setting('quota_timezone');
  v_today date := (private.clock() at time zone v_timezone)::date;
  v_result jsonb;
begin
  perform private.require_admin(p_admin_email);
  with periods as (
    select w.name, v_today - w.days + 1 as first_day, (v_today - w.days + 1)::timestamp at time zone v_timezone as starts_at
      from (values ('day', 1), ('week', 7), ('month', 30)) as w (name, days)
  ), moves as materialized (
    select r.*
      from private.revenue_moves((v_today - 29)::timestamp at time zone v_timezone, 'infinity') as r
  ), sums as (
    select m.currency, w.name, sum(m.paid) as gross, sum(m.back) as refunds
      from periods as w
      join moves as m on m.happened_at >= w.starts_at
     where m.paid + m.back > 0
       and m.currency is not null  -- a refund whose payment has not been reported yet
     group by m.currency, w.name
  ), currencies as (
    select c.currency,
      jsonb_object_agg(
        w.name,
        jsonb_build_object(
          'gross', coalesce(s.gross, 0)::text, 'refunds', coalesce(s.refunds, 0)::text,
          'net', (coalesce(s.gross, 0) - coalesce(s.refunds, 0))::text
        )
      ) as figures
      from (select distinct s.currency from sums as s) as c
      cross join periods as w
      left join sums as s on s.currency = c.currency and s.name = w.name
     group by c.currency
  ), counts as (
    select w.name,
      count(distinct m.payment_id) filter (where m.paid > 0) as payments,
      count(distinct m.payment_id) filter (where m.back > 0) as refunds,
      count(distinct u.id) filter (where m.paid > 0 and u.created_at >= w.starts_at) as paid
      from periods as w
      left join moves as m on m.happened_at >= w.starts_at
      left join public.users as u on u.id = m.user_id
     group by w.name
  ), new_users as (
    select w.name, coalesce(sum(t.new_users), 0) as new_users
      from periods as w
      left join public.daily_totals as t on t.day between w.first_day and v_today
     group by w.name
  )
  select jsonb_object_agg(
      c.name,
      jsonb_build_object('payments', c.payments, 'refunds', c.refunds, 'paid', c.paid, 'new', n.new_users)
    ) || jsonb_build_object(
      'currencies', (
        select coalesce(jsonb_agg(jsonb_build_object('currency', t.currency) || t.figures order by t.currency), '[]')
          from currencies as t
      )
    )
    into v_result
    from counts as c
    join new_users as n on n.name = c.name;
  return v_result;
end
$$;

revoke all on function public.admin_revenue from public, anon, authenticated, service_role;
grant execute on function public.admin_revenue to bot_backend, service_role;
comment on function public.admin_revenue is 'Returns revenue for an admin';
