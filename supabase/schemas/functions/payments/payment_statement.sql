-- Compares provider statements with our records: one row per provider, day (UTC) and currency, for the days that have been
-- read. Amounts are net of refunds, disputes and affiliates' commissions. The default range is the last 30 days.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: table, newest day first. difference: ours - theirs, 0 if all agree; unmatched: movements that differ or exist on one
--   side only; foreign_entries: entries that are not ours (another shop on the account). A day without movements has one row
--   without a currency.
-- Errors: none.
create or replace function public.payment_statement(p_first date default null, p_last date default null)
returns table (
  provider text,
  day date,
  currency text,
  theirs numeric,
  ours numeric,
  difference numeric,
  unmatched bigint,
  foreign_entries bigint,
  read_at timestamptz
)
language sql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
  with days as (
    select coalesce(p_first, (private.clock() at time zone 'UTC')::date - 30) as first,
           coalesce(p_last, (private.clock() at time zone 'UTC')::date) as last
  ),
  lines as (
    select l.* from days as d cross join lateral private.statement_lines(d.first, d.last) as l
  ),
  sides as (
    select l.provider, l.day, l.their_currency as currency, l.theirs, 0 as ours,
           l.ours is distinct from l.theirs or l.our_currency is distinct from l.their_currency as is_unmatched
      from lines as l
     where l.theirs is not null
    union all
    select l.provider, l.day, l.our_currency, 0, l.ours,
           l.theirs is null or l.our_currency is distinct from l.their_currency
      from lines as l
     where l.ours is not null
  ),
  sums as (
    select s.provider, s.day, s.currency, sum(s.theirs) as theirs, sum(s.ours) as ours,
           count(*) filter (where s.is_unmatched) as unmatched
      from sides as s
     group by s.provider, s.day, s.currency
  )
  select d.provider, d.day, s.currency, coalesce(s.theirs, 0), coalesce(s.ours, 0),
         coalesce(s.ours - s.theirs, 0), coalesce(s.unmatched, 0),
         (
           select count(*)
             from public.statement_entries as e
            where e.provider = d.provider and e.day = d.day and not e.is_ours
         ),
         d.read_at
    from days as w
    join public.statement_days as d on d.day between w.first and w.last and d.read_at is not null
    left join sums as s on s.provider = d.provider and s.day = d.day
   order by d.day desc, d.provider, s.currency;
$$;

revoke all on function public.payment_statement from public, anon, authenticated, service_role;
grant execute on function public.payment_statement to bot_backend, service_role;
comment on function public.payment_statement is 'Compares provider statements with our records';
