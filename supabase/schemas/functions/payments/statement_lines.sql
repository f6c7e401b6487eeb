-- Compares provider statements of some days with our records: one row per payment, refund or dispute. Amounts are net of an
-- affiliate's commission; refunds and disputes are negative, undone ones are 0.
--
-- A movement that both sides have is on the provider's day. One that only we have is on the day it happened, where the last ten
-- minutes of a day belong to the next one, because the two clocks may disagree about midnight.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: table, one row per movement. theirs or ours is null if that side lacks it. Our movements are listed only for days
--   that have been read; the provider's movements that are not ours only if they are recorded here. payment_id is our payment.
-- Errors: none.
create or replace function private.statement_lines(p_first date, p_last date, p_provider text default null)
returns table (
  provider text,
  day date,
  kind text,
  number text,
  payment_id bigint,
  theirs numeric,
  their_currency text,
  ours numeric,
  our_currency text,
  is_alarmed boolean
)
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select e.provider, e.day, e.kind, e.number, p.id,
         case when e.is_undone then 0 when e.kind = 'paid' then e.amount - e.fee else e.fee - e.amount end,
         e.currency,
         case when o.is_undone then 0 when o.kind = 'paid' then o.amount - o.fee else o.fee - o.amount end,
         coalesce(o.currency, p.currency),
         e.alarmed_at is not null
    from public.statement_entries as e
    left join public.payments as p on p.provider = e.provider and p.provider_payment_id = e.payment_number
    left join public.payment_operations as o
      on o.payment_id = p.id and o.operation_id = e.number and private.statement_kind(o.kind) = e.kind
   where e.day between p_first and p_last
     and e.provider = coalesce(p_provider, e.provider)
     and (e.is_ours or o.payment_id is not null)
  union all
  select p.provider, d.day, private.statement_kind(o.kind), o.operation_id, p.id,
         null,
         null,
         case when o.is_undone then 0 when o.kind = 'paid' then o.amount - o.fee else o.fee - o.amount end,
         coalesce(o.currency, p.currency),
         o.alarmed_at is not null
    from public.payment_operations as o
    join public.payments as p on p.id = o.payment_id
    join public.statement_days as d
      on d.provider = p.provider
     and d.day = ((o.happened_at + interval '10 minutes') at time zone 'UTC')::date
     and d.read_at is not null
   where o.happened_at >= p_first::timestamp at time zone 'UTC' - interval '10 minutes'
     and o.happened_at < (p_last + 1)::timestamp at time zone 'UTC' - interval '10 minutes'
     and p.provider = coalesce(p_provider, p.provider)
     and not o.is_undone
     and p.problem is distinct from 'test'
     and not exists (
       select from public.statement_entries as e
        where e.provider = p.provider and e.kind = private.statement_kind(o.kind) and e.number = o.operation_id
     );
$$;

revoke all on function private.statement_lines from public, anon, authenticated, service_role;
comment on function private.statement_lines is 'Compares entries of provider statements with our records';
