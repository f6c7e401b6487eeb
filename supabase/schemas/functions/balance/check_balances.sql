-- Verifies that every balance equals the sum of its ledger and that the ledger entries of erased users add up to zero. Scans
-- both tables completely: for a nightly job or an admin.
--
-- Concurrency: read-only, in one snapshot.
-- Locks: none.
-- Returns: jsonb
--   [ {
--     user_id: bigint | null                  (null: all erased users together)
--     balance: numeric
--     ledger: numeric
--   } ]                    (the differences; empty when all agree)
-- Errors: none.
create or replace function public.check_balances()
returns jsonb
language sql
stable
security definer
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(
      jsonb_build_object('user_id', u.id, 'balance', coalesce(u.balance, 0)::text, 'ledger', coalesce(l.total, 0)::text)
      order by u.id
    ),
    '[]'::jsonb
  )
  from public.users as u
  full join (
    select t.user_id, sum(t.amount) as total
      from public.balance_transactions as t
     group by t.user_id
  ) as l on l.user_id = u.id
  where coalesce(u.balance, 0) <> coalesce(l.total, 0);
$$;

revoke all on function public.check_balances from public, anon, authenticated, service_role;
grant execute on function public.check_balances to bot_backend, service_role;
comment on function public.check_balances is 'Users whose balance differs from the sum of their ledger';
