-- Compares for an admin the providers' own lists of the last 30 days with what is recorded here
-- (public.payment_statement).
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   sums: [ { provider: text, currency: text, theirs: numeric, ours: numeric, unmatched: int } ]
--   days: [ { provider: text, day: date, currency: text, theirs: numeric, ours: numeric, unmatched: int } ]
--                          (the newest ten that differ)
--   unread: [ { provider: text, days: int } ]
--   read_days: int
--   foreign: int           (movements of other shops on the same accounts)
-- Errors: N0001 not an admin.
create or replace function public.admin_statement(p_admin_email text)
returns jsonb
language plpgsql
volatile
security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  v_result jsonb;
begin
  perform private.require_admin(p_admin_email);
  with lines as materialized (
    select s.* from public.payment_statement() as s
  )
  select jsonb_build_object(
      'sums', (
        select coalesce(jsonb_agg(to_jsonb(t) order by t.provider, t.currency), '[]'::jsonb)
          from (
            select l.provider, l.currency, sum(l.theirs)::text as theirs, sum(l.ours)::text as ours,
                   sum(l.unmatched) as unmatched
              from lines as l
             where l.currency is not null
             group by l.provider, l.currency
          ) as t
      ),
      'days', (
        select coalesce(jsonb_agg(to_jsonb(t) order by t.day desc, t.provider, t.currency), '[]'::jsonb)
          from (
            select l.provider, l.day, l.currency, l.theirs::text as theirs, l.ours::text as ours, l.unmatched
              from lines as l
             where l.unmatched > 0
             order by l.day desc, l.provider, l.currency
             limit 10
          ) as t
      ),
      'unread', (
        select coalesce(jsonb_agg(to_jsonb(t) order by t.provider), '[]'::jsonb)
          from (
            select d.provider, count(*) as days
              from public.statement_days as d
             where d.read_at is null and d.day > (private.clock() at time zone 'UTC')::date - 30
             group by d.provider
          ) as t
      ),
      'read_days', (
        select count(distinct d.day)
          from public.statement_days as d
         where d.read_at is not null and d.day > (private.clock() at time zone 'UTC')::date - 30
      ),
      'foreign', (
        select coalesce(sum(t.entries), 0)
          from (select max(l.foreign_entries) as entries from lines as l group by l.provider, l.day) as t
      )
    )
    into v_result;
  return v_result;
end
$$;

revoke all on function public.admin_statement from public, anon, authenticated, service_role;
grant execute on function public.admin_statement to bot_backend, service_role;
comment on function public.admin_statement is 'Compares the providers'' own lists with what is recorded here';
