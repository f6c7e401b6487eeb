-- Sums a user's payments for the admins. Payments that were not fulfilled (problem) are left out of the sums.
--
-- Concurrency: read-only; reads the user's payments over an index.
-- Locks: none.
-- Returns: jsonb
--   payments: int          (how many brought money)
--   sums: [ { currency: text, paid: numeric, refunded: numeric } ]   (without payments that were not fulfilled)
--   chargebacks: int       (payments that a bank took back and did not return)
-- Errors: none.
create or replace function private.user_payment_totals(p_user_id bigint)
returns jsonb
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  with own as (
    select p.*
      from public.payments as p
     where p.user_id = p_user_id and p.amount > 0
  ), sums as (
    select o.currency, sum(o.amount) as paid, sum(o.refunded) as refunded
      from own as o
     where o.problem is null
     group by o.currency
  )
  select jsonb_build_object(
    'payments', (select count(*) from own as o),
    'sums', (
      select coalesce(
          jsonb_agg(
            jsonb_build_object('currency', s.currency, 'paid', s.paid::text, 'refunded', s.refunded::text)
            order by s.currency
          ),
          '[]'::jsonb
        )
        from sums as s
    ),
    'chargebacks', (select count(*) from own as o where o.disputed > 0)
  );
$$;

revoke all on function private.user_payment_totals from public, anon, authenticated, service_role;
comment on function private.user_payment_totals is 'Sums a user''s payments for the admins';
