-- Trigger of payments: the revenue of the days of its operations has changed (private.revenue_changes), because what it was for, who
-- paid it or whether it counts is another now.
--
-- Concurrency: only adds rows.
-- Locks: none.
-- Returns: trigger, null (ignored for an after-trigger).
-- Errors: none.
create or replace function private.mark_revenue_of_payment()
returns trigger
language plpgsql
volatile
security invoker
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into private.revenue_changes (day)
  select distinct (o.happened_at at time zone private.setting('quota_timezone'))::date
    from public.payment_operations as o
   where o.payment_id = new.id;
  return null;
end
$$;

revoke all on function private.mark_revenue_of_payment from public, anon, authenticated, service_role;
comment on function private.mark_revenue_of_payment is 'Marks the days of a payment as changed';
