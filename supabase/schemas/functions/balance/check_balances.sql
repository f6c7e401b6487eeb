-- Proves that every balance is the sum of its ledger, and that erased people left no money in it. Reads
-- everything: for a nightly job or an admin.
--
-- Twice or at once: only reads, all of it at one moment.
-- Returns: jsonb array of {user_id, balance, ledger} for everyone of whom it is not true; empty is good. user_id
--   is null for the erased, all of them together.
-- Errors: none of its own.
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
comment on function public.check_balances is 'Everyone whose balance is not the sum of the ledger';
