-- Returns whether a refund or a dispute is in another currency than its payment. Its amount then does not count.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: boolean; also true for an operation that names a currency while the payment's is unknown.
-- Errors: none.
create or replace function private.has_other_currency(p_operation public.payment_operations)
returns boolean
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select exists (
    select from public.payments as p
     where p.id = p_operation.payment_id
       and p_operation.kind <> 'paid'
       and p_operation.currency is not null
       and p.currency is distinct from p_operation.currency
  );
$$;

revoke all on function private.has_other_currency from public, anon, authenticated, service_role;
comment on function private.has_other_currency is 'Whether a refund or a dispute is in another currency than its payment';
