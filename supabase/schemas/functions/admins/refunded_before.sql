-- Returns how much of a refund earlier refunds of the same payment have counted, where a provider reports the total
-- refunded so far and not each refund.
--
-- Concurrency: read-only.
-- Locks: none.
-- Returns: numeric, 0 for a refund or dispute with an amount of its own; for a total, what is counted already, at
--   most its amount.
-- Errors: none.
create or replace function private.refunded_before(p_operation public.payment_operations)
returns numeric
language sql
stable
security invoker
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_operation.kind <> 'refund_total' then 0
    else least(
      p_operation.amount,
      (
        select greatest(
            coalesce(sum(o.amount) filter (where o.kind = 'refund' and not o.is_undone), 0),
            coalesce(
              max(o.amount) filter (
                where o.kind = 'refund_total'
                  and (o.amount, o.operation_id) < (p_operation.amount, p_operation.operation_id)
              ),
              0
            )
          )
          from public.payment_operations as o
         where o.payment_id = p_operation.payment_id
      )
    )
  end;
$$;

revoke all on function private.refunded_before from public, anon, authenticated, service_role;
comment on function private.refunded_before is 'Returns how much of a refund total earlier refunds have counted';
