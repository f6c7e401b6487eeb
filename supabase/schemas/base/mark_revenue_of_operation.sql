-- Trigger of payment_operations: the revenue of the operation's day has changed (private.revenue_changes).
--
-- Concurrency: only adds a row.
-- Locks: none.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.mark_revenue_of_operation()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into private.revenue_changes (day)
  values ((new.happened_at at time zone private.setting('quota_timezone'))::date);
  if new.kind = 'refund' then
    -- It counts less of the totals that came before it (private.refunded_before).
    insert into private.revenue_changes (day)
    select distinct (o.happened_at at time zone private.setting('quota_timezone'))::date
      from public.payment_operations as o
     where o.payment_id = new.payment_id and o.kind = 'refund_total';
  end if;
  return null;
end
$$;

revoke all on function private.mark_revenue_of_operation from public, anon, authenticated, service_role;
comment on function private.mark_revenue_of_operation is 'Marks the day of an operation as changed';
