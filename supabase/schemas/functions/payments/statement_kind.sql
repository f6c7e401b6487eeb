-- Maps the kind of a payment event (shared/payments/events.py) or of an operation to the kind of money movement.
--
-- Concurrency: computes only.
-- Locks: none.
-- Returns: text: paid, refund or dispute; null if it moves no money.
-- Errors: none.
create or replace function private.statement_kind(p_kind text)
returns text
language sql
immutable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_kind = 'paid' then 'paid'
    when p_kind in ('refund', 'refund_total', 'refunded', 'refund_failed') then 'refund'
    when p_kind in ('dispute', 'disputed', 'dispute_won', 'dispute_lost') then 'dispute'
  end;
$$;

revoke all on function private.statement_kind from public, anon, authenticated, service_role;
comment on function private.statement_kind is 'Kind of money movement of a payment event or an operation';
